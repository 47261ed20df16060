// One file on its way to the server, by the resumable uploads of the API (tus 1.0). A small one goes with the request
// that announces it; of a larger one the server keeps what has come, and the next attempt goes on from there.

import {page} from '../core/dom.js';

const ADDRESS = `${page.root}api/v1/upload/resumable/`;
const WITH_ANNOUNCEMENT = 4 * 1024 * 1024;
const TYPE = 'application/offset+octet-stream';

// What the server has said no to; `status` 0: nothing was heard of it.
export class Refused extends Error {
    constructor({status, code = '', text = '', wait = 0, parameter = ''}) {
        super(text);
        Object.assign(this, {status, code, wait, parameter});
    }
}

// Send `file`; resolves to {src, duplicates}: where it is now, and the ids of images with the same content.
// `item` says where to: {url, name, folder, pathIndex, overwrite}. `began(url)` is told the address to go on at.
export async function send(item, file, {signal, progress, began}) {
    let url = item.url;
    let offset = 0;
    if (url) {
        const state = await exchange('HEAD', url, {signal});
        offset = Number(state.header('Upload-Offset'));
        if (offset === file.size) {
            return outcome(state);
        }
    } else if (file.size <= WITH_ANNOUNCEMENT) {
        const answer = await exchange('POST', ADDRESS, {
            signal,
            progress,
            body: file,
            headers: {...announcement(item, file), 'Content-Type': TYPE},
        });
        return outcome(answer);
    } else {
        const answer = await exchange('POST', ADDRESS, {signal, headers: announcement(item, file)});
        url = addressOf(answer);
        await began(url);
    }
    const answer = await exchange('PATCH', url, {
        signal,
        progress: sent => progress(offset + sent),
        body: offset ? file.slice(offset) : file,
        headers: {'Upload-Offset': String(offset), 'Content-Type': TYPE},
    });
    return outcome(answer);
}

// Give up what the server has of an upload.
export async function abandon(url) {
    try {
        await exchange('DELETE', url, {});
    } catch (error) {
        if (!(error instanceof Refused)) {
            throw error;
        }
        // It goes by itself after a day.
    }
}

function announcement(item, file) {
    const pairs = {filename: item.name, overwrite: item.overwrite === 'ask' ? 'no' : item.overwrite};
    if (item.pathIndex >= 0) {
        pairs.path_index = String(item.pathIndex);
    } else {
        pairs.path = item.folder;
    }
    const text = Object.entries(pairs).map(([key, value]) => `${key} ${base64(value)}`);
    return {'Upload-Length': String(file.size), 'Upload-Metadata': text.join(',')};
}

function base64(text) {
    return btoa(Array.from(new TextEncoder().encode(text), byte => String.fromCharCode(byte)).join(''));
}

// The server may name itself otherwise than this page does: only the id counts.
function addressOf(answer) {
    const id = answer.header('Location').split('/').filter(Boolean).pop();
    return `${ADDRESS}${id}/`;
}

function outcome(answer) {
    const place = answer.header('Content-Location') || answer.header('Location') || '';
    const src = new URLSearchParams(place.split('?')[1] || '').get('src') || '';
    const duplicates = (answer.header('Upload-Duplicates') || '').split(',').map(Number).filter(Boolean);
    return {src, duplicates};
}

// fetch() does not tell how much has been sent.
function exchange(method, url, {signal, progress, body, headers}) {
    return new Promise((resolve, reject) => {
        const request = new XMLHttpRequest();
        const stop = () => request.abort();
        request.open(method, url);
        const all = {'Tus-Resumable': '1.0.0', 'X-CSRF-Token': page.csrf, Accept: 'application/json', ...headers};
        for (const [name, value] of Object.entries(all)) {
            request.setRequestHeader(name, value);
        }
        if (progress) {
            request.upload.onprogress = event => progress(event.loaded);
        }
        request.onload = () => {
            const answer = {status: request.status, header: name => request.getResponseHeader(name)};
            if (request.status < 300) {
                resolve(answer);
            } else {
                reject(refusal(request));
            }
        };
        request.onerror = () => reject(new Refused({status: 0}));
        request.onabort = () => reject(new DOMException('paused', 'AbortError'));
        request.onloadend = () => signal?.removeEventListener('abort', stop);
        if (signal?.aborted) {
            reject(new DOMException('paused', 'AbortError'));
            return;
        }
        signal?.addEventListener('abort', stop);
        request.send(body ?? null);
    });
}

function refusal(request) {
    let said = {};
    try {
        said = JSON.parse(request.responseText) ?? {};
    } catch {
        // A proxy's page.
    }
    return new Refused({
        status: request.status,
        code: String(said.type || '').split(':').pop(),
        text: String(said.detail || said.message || ''),
        parameter: said.parameter || '',
        wait: Number(request.getResponseHeader('Retry-After')) || 0,
    });
}
