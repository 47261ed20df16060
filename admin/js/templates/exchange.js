// Templates as files: JSON that another server reads.

import {h} from '../core/dom.js';
import {saveTemplate} from '../publish/templates.js';
import {t} from '../core/texts.js';

export function saveAsFile(templates, name) {
    const plain = templates.map(one => ({name: one.name, description: one.description, template: one.template}));
    const address = URL.createObjectURL(new Blob([`${JSON.stringify(plain, null, 2)}\n`], {type: 'application/json'}));
    h('a', {href: address, download: name}).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
}

// What a file holds: one template, or a list of them, as saveAsFile() writes them. Throws when it is something else.
function templatesIn(text) {
    let found;
    try {
        found = JSON.parse(text);
    } catch {
        throw new Error(t('import_no_json'));
    }
    const list = Array.isArray(found) ? found : [found];
    const fits = one => typeof one?.name === 'string' && one.template && typeof one.template === 'object';
    if (!list.length || !list.every(fits)) {
        throw new Error(t('import_no_template'));
    }
    return list;
}

// Makes the templates of a file; gives how many, and those that were refused with the reason.
export async function bringIn(text) {
    const refused = [];
    let made = 0;
    for (const one of templatesIn(text)) {
        try {
            await saveTemplate({name: one.name, description: one.description ?? '', document: one.template});
            made += 1;
        } catch (error) {
            refused.push({name: one.name, reason: error.message});
        }
    }
    return {made, refused};
}
