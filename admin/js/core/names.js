// Whether a name can be one, said before anything is sent.

import {t} from './texts.js';

const SHORTEST = 3;

// What is wrong with the name of a folder; nothing, if it can be one.
export function folderNameFault(name) {
    const text = name.trim();
    if (!text) {
        return t('name_empty');
    }
    if (text.startsWith('.')) {
        return t('name_dot');
    }
    return /[/\u0000-\u001f]/.test(text) || text.includes('..') ? t('name_slash') : '';
}

// The same for a file.
export function fileNameFault(name) {
    const text = name.trim();
    const dot = text.lastIndexOf('.');
    if (text.length < SHORTEST || dot < 1 || dot === text.length - 1) {
        return t('name_file');
    }
    return folderNameFault(text);
}
