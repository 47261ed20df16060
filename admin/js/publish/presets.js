// Sets of values for usual purposes. What a person has made of their own lies in their browser, by name.

import {store} from '../core/state.js';

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

export function ownPresets() {
    const kept = store.get(KEY);
    return Array.isArray(kept) ? kept : [];
}

// Keep values under a name; another one of that name is replaced.
export function keepPreset(name, values) {
    const others = ownPresets().filter(one => one.name !== name);
    store.set(
        KEY,
        [...others, {name, values}].sort((a, b) => a.name.localeCompare(b.name)),
    );
}

export function dropPreset(name) {
    store.set(
        KEY,
        ownPresets().filter(one => one.name !== name),
    );
}
