// Templates, as the publisher and their own pages need them.

import {api, pages} from '../core/api.js';
import {fromTemplate} from './values.js';

// All templates: {list, bases(name of the default one)}.
export async function loadBases() {
    const list = [];
    for await (const template of pages('admin/templates/')) list.push(template);
    return {
        list,
        bases(defaultName) {
            const made = new Map(list.map(one => [one.name.toLowerCase(), fromTemplate(one.template)]));
            made.set('', made.get((defaultName ?? '').toLowerCase()) ?? {});
            return made;
        },
    };
}

// Make a template, or replace the one with this id.
export function saveTemplate({id = null, name, description, document, etag = null}) {
    const body = {name, description, template: JSON.stringify(document)};
    if (id === null) return api.post('admin/templates/', body);
    return api.put(`admin/templates/${id}/`, body, etag ? {headers: {'If-Match': etag}} : {});
}
