// Sets of values for usual purposes. What people have made of their own is kept with their account, and in the browser
// of those who have none.

import {api} from '../core/api.js';
import {page} from '../core/dom.js';
import {store} from '../core/state.js';

const ACCOUNT = 'account/preferences/';
const CHANGED = 412;
const KEY = 'publish_presets';
const FILE = {strip: '1', colorspace: 'rgb'};

export const PRESETS = [
    {name: 'thumbnail', values: {...FILE, width: '200', height: '200', autosizefit: '1', format: 'jpg', quality: '80'}},
    {name: 'banner', values: {...FILE, width: '1600', height: '500', focus: 'auto', format: 'webp', quality: '80'}},
    {name: 'square', values: {...FILE, width: '1080', height: '1080', focus: 'auto', format: 'jpg', quality: '85'}},
    {name: 'portrait', values: {...FILE, width: '1080', height: '1350', focus: 'auto', format: 'jpg', quality: '85'}},
    {
        name: 'link_preview',
        values: {...FILE, width: '1200', height: '630', focus: 'auto', format: 'jpg', quality: '82'},
    },
    {name: 'story', values: {...FILE, width: '1080', height: '1920', focus: 'auto', format: 'jpg', quality: '85'}},
    {name: 'avatar', values: {...FILE, width: '256', height: '256', focus: 'auto', format: 'webp', quality: '82'}},
    {name: 'print_a4', values: {width: '3508', height: '2480', autosizefit: '1', dpi: '300', format: 'tif'}},
    {
        name: 'watermarked',
        values: {
            ...FILE,
            width: '1000',
            format: 'jpg',
            quality: '75',
            overlay: 'samples/qisd110.png',
            ovpos: 'se',
            ovsize: '0.25',
            ovopacity: '0.7',
        },
    },
];

// Those of one's own, by name.
export async function ownPresets() {
    return page.user ? listIn((await api.get(ACCOUNT)).preferences[KEY]) : listIn(store.get(KEY));
}

// Keep values under a name; another one of that name is replaced. Gives all that there are then.
export function keepPreset(name, values) {
    return change(list => [...list.filter(one => one.name !== name), {name, values}].sort((a, b) => a.name.localeCompare(b.name)));
}

export function dropPreset(name) {
    return change(list => list.filter(one => one.name !== name));
}

async function change(edit) {
    if (!page.user) {
        const list = edit(listIn(store.get(KEY)));
        store.set(KEY, list);
        return list;
    }
    for (;;) {
        const {data, etag} = await api.get(ACCOUNT, {}, {full: true});
        const list = edit(listIn(data.preferences[KEY]));
        try {
            await api.put(ACCOUNT, {preferences: {[KEY]: list}, merge: 1}, {headers: {'If-Match': etag}});
            return list;
        } catch (error) {
            if (error.status !== CHANGED) throw error; // else another page was first: once more, with what is there now
        }
    }
}

function listIn(kept) {
    return Array.isArray(kept) ? kept : [];
}
