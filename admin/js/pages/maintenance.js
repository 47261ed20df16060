// Work that is started by hand: how much there is, a question before what can't be undone, and a task.

import {ApiError, api} from '../core/api.js';
import {confirmDeed} from '../core/dialog.js';
import {$, $$, h, url} from '../core/dom.js';
import {onSubmit} from '../core/forms.js';
import {pickFolder} from '../core/picker.js';
import {followTask} from '../core/tasks.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';

const TYPING = 300;

function work(form) {
    const {function: name} = form.dataset;
    const line = $('.ahead', form);
    let ahead = null;
    let timer = null;
    let asked = 0;

    const given = () => Object.fromEntries(new FormData(form));

    // How much it would do; nothing is said while the form isn't filled.
    async function count() {
        const turn = ++asked;
        line.textContent = '';
        ahead = null;
        try {
            const found = await api.get(`admin/tasks/${name}/ahead/`, given());
            if (turn === asked) {
                ahead = found;
                line.textContent = words(found);
            }
        } catch (error) {
            if (!(error instanceof ApiError)) {
                throw error;
            }
        }
    }

    async function start() {
        if (!await sure()) {
            return;
        }
        try {
            const task = await api.post(`admin/tasks/${name}/`, given());
            toast(t('started', {name: t(name)}), {action: {label: t('follow'), href: url(`tasks/${task.id}/`)}});
            followTask(task, {title: task.name}).then(count, count);
        } catch (error) {
            if (error.status !== 409) {
                throw error;
            }
            toast(t('already'), {kind: 'info', action: {label: t('tasks'), href: url('tasks/', {kind: name})}});
        }
    }

    async function sure() {
        if (!('danger' in form.dataset)) {
            return true;
        }
        await count();
        return confirmDeed({
            title: t(name),
            text: `${ahead ? `${words(ahead)}. ` : ''}${t(name === 'flush_cache' ? `${name}_text` : 'sure_text')}`,
            deed: t(`${name}_deed`),
            count: ahead?.count ?? 0,
        });
    }

    form.addEventListener('input', () => {
        clearTimeout(timer);
        timer = setTimeout(count, TYPING);
    });
    onSubmit(form, start);
    $('[data-pick]', form)?.addEventListener('click', async () => {
        const path = await pickFolder({path: form.elements.path.value || '/'});
        if (path !== null) {
            form.elements.path.value = path;
            await count();
        }
    });
    return count();
}

function words({count, unit}) {
    return count === null ? t('ahead_unknown') : t(`ahead_${unit}`, {n: count});
}

async function proposeTemplates() {
    const templates = await api.get('admin/templates/');
    $('#template-names').replaceChildren(...templates.map(one => h('option', {value: one.name})));
}

await Promise.all([...$$('.work').map(work), proposeTemplates()]);
