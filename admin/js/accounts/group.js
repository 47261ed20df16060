// The form of one group, and its members.

import {api} from '../core/api.js';
import {$, $$, page} from '../core/dom.js';
import {leavingLinks, onSubmit} from '../core/forms.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {membersCard} from './members.js';

const PUBLIC = 1;
const LOCAL = 2;

const list = `${page.root}admin/groups/`;

export async function groupPage() {
    const form = $('#group');
    const {id} = page.data;
    leavingLinks(list);
    const group = id ? await api.get(`admin/groups/${id}/`) : {group_type: LOCAL, permissions: {}};
    const fixedFlags = !page.may('admin_permissions') || id === PUBLIC;
    if (id) {
        form.elements.name.value = group.name;
        form.elements.description.value = group.description;
        form.elements.name.readOnly = group.group_type !== LOCAL;
        $('#members').append(await membersCard(group));
    }
    for (const box of $$('[data-flag]', form)) {
        box.checked = group.permissions[box.dataset.flag] ?? false;
        box.disabled = fixedFlags;
    }
    $('#flags').hidden = id === PUBLIC;
    $('#flags-hint').hidden = !fixedFlags;
    onSubmit(form, async () => {
        const values = {name: form.elements.name.value.trim(), description: form.elements.description.value};
        if (!fixedFlags) {
            for (const box of $$('[data-flag]', form)) {
                values[box.name] = Number(box.checked);
            }
        }
        if (id) {
            const saved = await api.patch(`admin/groups/${id}/`, values);
            $('#heading').textContent = saved.name;
            toast(t('group_saved', {name: saved.name}));
        } else {
            const made = await api.post('admin/groups/', {...values, group_type: LOCAL});
            location.assign(`${list}${made.id}/#members`);
        }
    });
}
