// The records of files that are known by their paths only.

import {batch, get} from '../core/batch.js';

// `items` with their ids, as far as they have any: {id, src, title, …}. What is no image is left out.
export async function withIds(items) {
    const unknown = items.filter(item => !item.folder && !item.id);
    const answers = await batch(unknown.map(item => get('details/', {src: item.path})));
    const found = new Map(items.filter(item => item.id).map(item => [item.path, item]));
    answers.forEach((answer, number) => {
        if (answer.status === 200) {
            found.set(unknown[number].path, {...unknown[number], ...answer.data});
        }
    });
    return items.filter(item => found.has(item.path)).map(item => found.get(item.path));
}
