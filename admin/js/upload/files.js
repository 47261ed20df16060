// What people drop, pick or paste, as a list of {file, relative, handle}: `relative` is the path of the folder within
// what was dropped or picked, `handle` leads to the file again after a reload, in browsers that have such things.

import {extensionOf} from '../core/paths.js';

// Everything in `source`: a DataTransfer, a FileList, or a list of files or of what this function returns.
export async function collect(source) {
    if (source instanceof DataTransfer) {
        return collectTransfer(source);
    }
    return [...source].map(one => (one instanceof File ? fromFile(one) : one));
}

function fromFile(file) {
    const path = file.webkitRelativePath || '';
    return {file, relative: path.split('/').slice(0, -1).join('/'), handle: null};
}

// The transfer is empty after the event: all of its items are asked for at once, before the first wait.
async function collectTransfer(transfer) {
    const asked = [...transfer.items]
        .filter(item => item.kind === 'file')
        .map(item => ({
            entry: item.webkitGetAsEntry?.() ?? null,
            file: item.getAsFile(),
            handle: item.getAsFileSystemHandle?.() ?? null,
        }));
    const found = [];
    for (const {entry, file, handle} of asked) {
        if (entry?.isDirectory) {
            await walk(entry, entry.name, found);
        } else if (file) {
            found.push({file, relative: '', handle: await settled(handle)});
        }
    }
    return found;
}

async function settled(promise) {
    try {
        const handle = await promise;
        return handle?.kind === 'file' ? handle : null;
    } catch {
        return null;
    }
}

async function walk(folder, relative, found) {
    for await (const entry of entriesOf(folder)) {
        if (entry.name.startsWith('.')) {
            continue;
        }
        if (entry.isDirectory) {
            await walk(entry, `${relative}/${entry.name}`, found);
        } else {
            const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
            found.push({file, relative, handle: null});
        }
    }
}

async function* entriesOf(folder) {
    const reader = folder.createReader();
    for (;;) {
        const part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
        yield* part;
        if (!part.length) {
            return;
        }
    }
}

// Pictures of a paste, with names that tell when.
export function pasted(transfer) {
    const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '-').replace('T', ' ');
    return [...transfer.files].map((file, index) => {
        const plain = /^image\.\w+$/.test(file.name);
        const end = extensionOf(file.name);
        const name = plain ? `pasted ${stamp}${index ? ` ${index + 1}` : ''}.${end}` : file.name;
        return {file: new File([file], name, {type: file.type, lastModified: file.lastModified}), relative: '', handle: null};
    });
}

// By which one file is told from another: several drops of the same count once.
export function sameness({file, relative}) {
    return JSON.stringify([relative, file.name, file.size, file.lastModified]);
}
