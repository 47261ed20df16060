// What of the queue outlives a page: the state of each upload, and the file itself or a handle that leads to it.

import {page} from '../core/dom.js';

const NAME = `qisd-uploads-${page.user?.id ?? 0}`;
const KEPT_MAX = 256 * 1024 * 1024; // a larger file is not copied into the browser's store; it is asked for again

let opened = null;

function open() {
    opened ??= new Promise((resolve, reject) => {
        const request = indexedDB.open(NAME, 1);
        request.onupgradeneeded = () => {
            request.result.createObjectStore('items', {keyPath: 'id'});
            request.result.createObjectStore('files', {keyPath: 'id'});
        };
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
    return opened;
}

async function work(stores, mode, deed) {
    const database = await open();
    return new Promise((resolve, reject) => {
        const transaction = database.transaction(stores, mode);
        let result;
        const request = deed(transaction);
        if (request) {
            request.onsuccess = () => {
                result = request.result;
            };
        }
        transaction.oncomplete = () => resolve(result);
        transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
}

// Without a store (private windows of some browsers) uploads work all the same, but end with the page.
async function forgiving(promise, fallback) {
    try {
        return await promise;
    } catch {
        return fallback;
    }
}

export const memory = {
    items: () => forgiving(work(['items'], 'readonly', t => t.objectStore('items').getAll()), []),

    save: items =>
        forgiving(
            work(['items'], 'readwrite', t => {
                for (const item of items) {
                    t.objectStore('items').put(item);
                }
            }),
        ),

    // Whether the file will be found again by a later page.
    async keepFile(id, {file, handle}) {
        if (!handle && file.size > KEPT_MAX) {
            return false;
        }
        const kept = handle ? {id, handle} : {id, file};
        return forgiving(
            work(['files'], 'readwrite', t => {
                t.objectStore('files').put(kept);
            }).then(() => true),
            false,
        );
    },

    file: id => forgiving(work(['files'], 'readonly', t => t.objectStore('files').get(id)), undefined),

    dropFiles: ids =>
        forgiving(
            work(['files'], 'readwrite', t => {
                for (const id of ids) {
                    t.objectStore('files').delete(id);
                }
            }),
        ),

    drop: ids =>
        forgiving(
            work(['items', 'files'], 'readwrite', t => {
                for (const id of ids) {
                    t.objectStore('items').delete(id);
                    t.objectStore('files').delete(id);
                }
            }),
        ),
};
