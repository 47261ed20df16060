// The queue of uploads of one user in this browser. One tab works at it, whichever has the lock; the others show how it
// goes on and pass on what is asked of them. What a page leaves unfinished the next one goes on with: states and files
// are in IndexedDB, and the server keeps what it has got of each.

import {api} from '../core/api.js';
import {page} from '../core/dom.js';
import {t} from '../core/texts.js';
import {askToSignIn, useToken} from '../core/trouble.js';
import {fault, lookedUp, places} from './checks.js';
import {collect, sameness} from './files.js';
import {mark} from './mark.js';
import {memory} from './memory.js';
import {Refused, abandon, send} from './tus.js';

const AT_ONCE = 3;
const RESULTS_KEPT = 500;
const KEPT_FOR = 7 * 86_400_000;
const FRESH_FOR = 20 * 3_600_000; // the server keeps a day what it has got
const LONGEST_WAIT = 60;
const PASSING = new Set([0, 408, 423, 429, 500, 502, 503, 504]); // worth another try
const NAME = `qisd-uploads-${page.user?.id ?? 0}`;

export const OPEN = new Set(['checking', 'waiting', 'sending', 'paused', 'asking', 'lost']);
// checking: being looked up; lost: its file must be chosen, or permitted, again. Over are: done, failed, skipped.

class Queue extends EventTarget {
    #items = new Map();
    #files = new Map(); // by id: {file, handle}
    #running = new Map(); // by id: AbortController
    #looking = new Set(); // ids of those that this tab is looking up
    #folders = new Map(); // by path: promise of the path that it has once it is there
    #lastFolder = Promise.resolve();
    #forAll = new Map(); // by kind of question: what was said for all
    #waiters = new Map(); // by batch
    #inside = 0; // when somebody went to another page of ours
    #leads = false;
    #begun = null;
    #channel = new BroadcastChannel(NAME);
    #told = null;
    #changed = new Set();

    // Load what there is and take part; can be called again.
    begin() {
        this.#begun ??= this.#begin();
        return this.#begun;
    }

    async #begin() {
        this.#channel.onmessage = ({data}) => this.#heard(data);
        await this.#load();
        this.#takeLock();
        window.addEventListener('online', () => this.#hurry());
        window.addEventListener('beforeunload', event => this.#leaving(event));
        window.addEventListener('click', event => this.#noteWay(event));
        window.addEventListener('submit', event => this.#noteWay(event));
    }

    get items() {
        return [...this.#items.values()];
    }

    get(id) {
        return this.#items.get(id);
    }

    // The file of an upload, where this tab has it; for previews.
    fileOf(id) {
        return this.#files.get(id)?.file ?? null;
    }

    get open() {
        return this.items.filter(item => OPEN.has(item.state));
    }

    // What people ask for. Each goes to the tab that works.
    pause(ids) {
        this.#ask('pause', {ids});
    }

    resume(ids) {
        this.#ask('resume', {ids});
    }

    remove(ids) {
        this.#ask('remove', {ids});
    }

    // `choice` is skip, rename, or yes (replace; for equal content: upload nevertheless). `all`: also what is asked later.
    answer(id, choice, {all = false} = {}) {
        this.#ask('answer', {id, choice, all});
    }

    clearResults() {
        this.remove(this.items.filter(item => item.state === 'done' || item.state === 'skipped').map(item => item.id));
    }

    // Put files in. `folder` is a path, or `pathIndex` the number of one of the folders set for uploads, which is at
    // `folder` then. `overwrite`: ask, no, rename, yes. Returns the new items.
    async add(found, {folder, pathIndex = -1, overwrite = 'ask', batch = newId()}) {
        await this.begin();
        const rules = await places();
        const known = new Map(this.open.map(item => [item.key, item]));
        const made = [];
        for (const one of found) {
            const target = one.relative ? `${folder.replace(/\/$/, '')}/${one.relative}` : folder;
            const key = JSON.stringify([target, sameness(one)]);
            if (known.has(key)) {
                await this.#foundAgain(known.get(key), one);
                continue;
            }
            const item = this.#made(one, {folder: target, pathIndex: one.relative ? -1 : pathIndex, overwrite, batch, key});
            item.error = fault(one.file, rules);
            item.unfit = Boolean(item.error);
            item.state = item.unfit ? 'failed' : 'checking';
            known.set(key, item);
            made.push(item);
            this.#files.set(item.id, one);
            this.#items.set(item.id, item);
            if (!item.error) {
                this.#looking.add(item.id);
            }
            item.kept = !item.error && (await memory.keepFile(item.id, one));
        }
        this.#forAll.clear();
        mark.set(true);
        await memory.save(made);
        this.#emit();
        await this.#lookUp(made.filter(item => item.state === 'checking'));
        return made;
    }

    // Resolves when all of a batch is over, to its items.
    finished(batch) {
        return new Promise(resolve => {
            this.#waiters.set(batch, resolve);
            this.#settle();
        });
    }

    // The user has chosen or permitted the file of a lost one again.
    async permit(id) {
        const kept = await memory.file(id);
        if (kept?.handle && (await kept.handle.requestPermission({mode: 'read'})) === 'granted') {
            this.resume([id]);
        }
    }

    #made({file, relative}, given) {
        return {
            id: newId(),
            name: file.name,
            relative,
            size: file.size,
            modified: file.lastModified,
            type: file.type,
            sent: 0,
            url: '',
            urlFrom: 0,
            error: '',
            tries: 0,
            again: 0,
            src: '',
            duplicates: [],
            taken: null,
            same: [],
            added: Date.now(),
            kept: false,
            unfit: false, // and will never do
            state: 'checking',
            ...given,
        };
    }

    async #foundAgain(item, one) {
        if (item.state === 'lost') {
            this.#files.set(item.id, one);
            item.kept = await memory.keepFile(item.id, one);
            this.#channel.postMessage({load: true});
            this.resume([item.id]);
        }
    }

    // Find out what is in the way of these, ask about that, and let the others go.
    async #lookUp(items) {
        const asked = items.filter(item => item.overwrite === 'ask');
        this.#become(items.filter(item => item.overwrite !== 'ask'), 'waiting');
        try {
            for await (const part of lookedUp(asked, item => this.fileOf(item.id))) {
                for (const {item, taken, same} of part) {
                    Object.assign(item, {taken, same: same.filter(one => one.src !== taken?.src)});
                    if (item.state === 'checking') {
                        this.#judge(item);
                    }
                }
                await this.#keep(part.map(({item}) => item).filter(item => this.#items.has(item.id)));
                this.#run();
            }
        } catch {
            // The server will say so when the file comes.
            this.#become(asked.filter(item => item.state === 'checking'), 'waiting');
        }
        for (const item of items) {
            this.#looking.delete(item.id);
        }
        this.#channel.postMessage({load: true});
        this.#run();
    }

    // Whether there is something to be asked about an item, and what was answered for all.
    #judge(item) {
        const kind = questionOf(item);
        if (!kind) {
            item.state = 'waiting';
        } else if (this.#forAll.has(kind)) {
            this.#decide(item, this.#forAll.get(kind));
        } else {
            item.state = 'asking';
        }
        this.#touch(item);
    }

    #decide(item, choice) {
        if (choice === 'skip') {
            item.state = 'skipped';
            this.#letGo(item);
        } else {
            if (item.taken) {
                item.overwrite = choice;
            }
            Object.assign(item, {taken: null, same: [], state: 'waiting', url: '', error: '', tries: 0});
        }
        this.#touch(item);
    }

    // Between tabs

    #takeLock() {
        if (!navigator.locks) {
            this.#lead(); // pages without TLS have no locks; then each tab works at what it has
            return;
        }
        navigator.locks.request(NAME, () => {
            this.#lead();
            return new Promise(() => {}); // until the page goes
        });
    }

    async #lead() {
        this.#leads = true;
        await this.#load();
        for (const item of this.items) {
            // What the page before was at; the server will say what that did not find out.
            if (item.state === 'sending' || (item.state === 'checking' && !this.#looking.has(item.id))) {
                item.state = 'waiting';
            }
            if (item.url && Date.now() - item.urlFrom > FRESH_FOR) {
                item.url = '';
            }
        }
        await this.#tidy();
        this.#emit();
        this.#run();
    }

    async #load() {
        for (const item of await memory.items()) {
            const known = this.#items.get(item.id);
            if (!known) {
                this.#items.set(item.id, item);
            } else if (known.state === 'checking' && !this.#looking.has(item.id)) {
                Object.assign(known, item); // another tab has looked it up
            }
        }
        this.#emit();
    }

    #ask(deed, given) {
        if (this.#leads) {
            this.#do(deed, given);
        } else {
            this.#channel.postMessage({deed, given});
        }
    }

    #heard({deed, given, load, news, gone}) {
        if (news && !this.#leads) {
            for (const item of news) {
                this.#items.set(item.id, Object.assign(this.#items.get(item.id) ?? {}, item));
            }
            for (const id of gone) {
                this.#items.delete(id);
            }
            this.#emit({quiet: true});
        } else if (load && this.#leads) {
            this.#load().then(() => this.#run());
        } else if (deed && this.#leads) {
            this.#do(deed, given);
        }
    }

    #do(deed, {ids, id, choice, all}) {
        const items = (ids ?? [id]).map(one => this.#items.get(one)).filter(Boolean);
        const deeds = {
            pause: () => this.#pauseThem(items),
            resume: () => this.#resumeThem(items),
            remove: () => this.#removeThem(items),
            answer: () => this.#answered(items, choice, all),
        };
        deeds[deed]();
        this.#keep(items.filter(item => this.#items.has(item.id)));
        this.#run();
    }

    #pauseThem(items) {
        for (const item of items) {
            if (['waiting', 'sending', 'checking'].includes(item.state)) {
                item.state = 'paused';
                this.#running.get(item.id)?.abort();
                this.#touch(item);
            }
        }
    }

    #resumeThem(items) {
        for (const item of items) {
            if (['paused', 'failed', 'lost'].includes(item.state)) {
                Object.assign(item, {state: 'waiting', error: '', tries: 0, again: 0});
                mark.set(true);
                this.#touch(item);
            }
        }
    }

    #removeThem(items) {
        for (const item of items) {
            this.#items.delete(item.id);
            this.#running.get(item.id)?.abort();
            if (item.url && item.state !== 'done') {
                abandon(item.url);
            }
            this.#files.delete(item.id);
        }
        memory.drop(items.map(item => item.id));
        this.#emit({gone: items.map(item => item.id)});
        this.#settle();
    }

    #answered(items, choice, all) {
        for (const item of items) {
            const kind = questionOf(item);
            if (item.state !== 'asking' || !kind) {
                continue;
            }
            this.#decide(item, choice);
            if (all) {
                this.#forAll.set(kind, choice);
                const others = this.items.filter(one => one.state === 'asking' && questionOf(one) === kind);
                for (const other of others) {
                    this.#decide(other, choice);
                }
                this.#keep(others);
            }
        }
    }

    // The work

    #run() {
        if (!this.#leads) {
            return;
        }
        const now = Date.now();
        for (const item of this.items) {
            if (this.#running.size >= AT_ONCE) {
                break;
            }
            if (item.state === 'waiting' && item.again <= now && !this.#running.has(item.id)) {
                this.#work(item);
            }
        }
        this.#settle();
    }

    async #work(item) {
        const control = new AbortController();
        this.#running.set(item.id, control);
        item.state = 'sending';
        this.#touch(item);
        try {
            const file = await this.#open(item);
            if (file) {
                await this.#ensureFolder(item);
                const made = await send(item, file, {
                    signal: control.signal,
                    progress: sent => {
                        item.sent = sent;
                        this.#touch(item);
                    },
                    began: url => {
                        Object.assign(item, {url, urlFrom: Date.now()});
                        return this.#keep([item]);
                    },
                });
                Object.assign(item, made, {state: 'done', sent: item.size, error: '', finished: Date.now()});
                this.#letGo(item);
            }
        } catch (error) {
            await this.#failed(item, error);
        }
        this.#running.delete(item.id);
        if (this.#items.has(item.id)) {
            this.#touch(item);
            await this.#keep([item]);
        }
        this.#run();
    }

    // The file of an item; null when people have to help first.
    async #open(item) {
        const here = this.#files.get(item.id);
        if (here) {
            return here.file;
        }
        const kept = await memory.file(item.id);
        let file = kept?.file ?? null;
        if (kept?.handle && (await kept.handle.queryPermission({mode: 'read'})) === 'granted') {
            file = await kept.handle.getFile();
        }
        if (!file || file.size !== item.size) {
            item.state = 'lost';
            item.permit = Boolean(kept?.handle);
            return null;
        }
        this.#files.set(item.id, {file, handle: kept.handle ?? null});
        return file;
    }

    // Folders of a tree are made on the way, once each, and one after the other: they share those above them.
    async #ensureFolder(item) {
        if (!item.relative || item.url) {
            return;
        }
        if (!this.#folders.has(item.folder)) {
            const made = this.#lastFolder.then(() => makeFolder(item.folder));
            this.#lastFolder = made.catch(() => this.#folders.delete(item.folder));
            this.#folders.set(item.folder, made);
        }
        item.folder = await this.#folders.get(item.folder);
    }

    async #failed(item, error) {
        if (error.name === 'AbortError' || !this.#items.has(item.id)) {
            return; // it was paused or removed
        }
        if (!('status' in error)) {
            Object.assign(item, {state: 'failed', error: t('fault_unreadable')});
            return;
        }
        const {status, code, wait} = error;
        if (item.url && (status === 404 || status === 410)) {
            Object.assign(item, {url: '', sent: 0});
            this.#later(item, 0);
        } else if (code === 'already_exists') {
            Object.assign(item, {url: '', sent: 0, taken: {src: `${item.folder}/${item.name}`.replace(/^\/+/, '')}});
            this.#taken(item);
        } else if (status === 401 || code === 'csrf') {
            await signedIn();
            this.#later(item, 0);
        } else if (PASSING.has(status) || code === 'upload_offset') {
            this.#later(item, wait || Math.min(LONGEST_WAIT, 2 ** item.tries));
            item.error = status ? error.message : t('fault_connection');
        } else {
            Object.assign(item, {state: 'failed', error: error.message || t('fault_unknown')});
        }
    }

    #taken(item) {
        if (item.overwrite === 'ask') {
            this.#judge(item);
        } else if (item.overwrite === 'no') {
            item.state = 'skipped';
            this.#letGo(item);
        } else {
            this.#later(item, 1);
        }
    }

    #later(item, seconds) {
        item.tries += 1;
        item.state = 'waiting';
        item.again = Date.now() + seconds * 1000;
        setTimeout(() => this.#run(), seconds * 1000 + 50);
    }

    // The connection is back: no need to wait any longer.
    #hurry() {
        for (const item of this.items) {
            item.again = 0;
        }
        this.#run();
    }

    // The file stays with this page only, for its small picture.
    #letGo(item) {
        memory.dropFiles([item.id]);
    }

    async #tidy() {
        const over = this.items.filter(item => !OPEN.has(item.state)).sort((a, b) => b.added - a.added);
        const old = over.filter((item, index) => index >= RESULTS_KEPT || Date.now() - item.added > KEPT_FOR);
        for (const item of old) {
            this.#items.delete(item.id);
        }
        await memory.drop(old.map(item => item.id));
    }

    #become(items, state) {
        for (const item of items) {
            item.state = state;
            this.#touch(item);
        }
        this.#keep(items);
    }

    #keep(items) {
        return memory.save(items);
    }

    // Telling

    #touch(item) {
        this.#changed.add(item.id);
        this.#told ??= setTimeout(() => this.#emit(), 100);
    }

    #emit({quiet = false, gone = []} = {}) {
        clearTimeout(this.#told);
        this.#told = null;
        if (this.#leads && !quiet) {
            const news = [...this.#changed].map(id => this.#items.get(id)).filter(Boolean);
            this.#channel.postMessage({news, gone});
            mark.set(this.open.length > 0);
        }
        this.#changed.clear();
        this.dispatchEvent(new Event('change'));
        this.#settle();
    }

    #settle() {
        for (const [batch, resolve] of this.#waiters) {
            const mine = this.items.filter(item => item.batch === batch);
            if (!mine.some(item => OPEN.has(item.state))) {
                this.#waiters.delete(batch);
                resolve(mine);
            }
        }
    }

    // Leaving

    // Links and forms within the console lead to a page that goes on with the queue.
    #noteWay(event) {
        const link = event.target.closest?.('a[href]');
        const within = link && link.origin === location.origin && link.pathname.startsWith(page.root) && !link.target;
        if (!event.defaultPrevented && (within || event.type === 'submit')) {
            this.#inside = Date.now();
        }
    }

    #leaving(event) {
        const open = this.#leads ? this.items.filter(item => ['checking', 'waiting', 'sending'].includes(item.state)) : [];
        const goesOn = Date.now() - this.#inside < 2000 && open.every(item => item.kept);
        if (open.length && !goesOn) {
            event.preventDefault();
        }
    }
}

// What there is to be asked about an item: a taken name, equal content, or nothing (the empty text).
export function questionOf(item) {
    if (item.taken) {
        return 'taken';
    }
    return item.same.length ? 'same' : '';
}

function newId() {
    const random = crypto.getRandomValues(new Uint32Array(2));
    return `${Date.now().toString(36)}-${random[0].toString(36)}${random[1].toString(36)}`;
}

// Returns the path of the folder, which the server may spell otherwise: characters that names can't have are left out.
async function makeFolder(path) {
    let folder;
    try {
        ({folder} = await api.get('upload/places/', {path}));
        if (!folder.exists) {
            await api.post('admin/filesystem/folders/', {path: folder.path});
        }
    } catch (error) {
        if (!folder || error.status !== 409) {
            throw new Refused({status: error.status, text: error.message});
        }
    }
    return folder.path;
}

// The session is over, or this browser has another one by now.
async function signedIn() {
    const session = await api.get('session/');
    if (session.user) {
        useToken(session.csrf_token);
    } else {
        await askToSignIn();
    }
}

export const queue = new Queue();

// Upload what was dropped or picked: a DataTransfer, a FileList or a list of files. Resolves when all of it is over, to
// {done, failed, skipped}: lists of items, those that are done with their `src`.
export async function uploadFiles(source, {path, pathIndex = -1, overwrite = 'ask'} = {}) {
    const found = await collect(source);
    const {showUploads} = await import('./card.js');
    await showUploads();
    const batch = newId();
    await queue.add(found, {folder: path, pathIndex, overwrite, batch});
    const items = await queue.finished(batch);
    const those = state => items.filter(item => item.state === state);
    return {done: those('done'), failed: those('failed'), skipped: those('skipped')};
}
