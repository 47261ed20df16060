// What is done to chosen entries: to files all at once, as a task; to folders one after the other.

import {api, ApiError} from '../core/api.js';
import {MANY, confirmDeed, openDialog} from '../core/dialog.js';
import {h, page} from '../core/dom.js';
import {below, nameOf, parentOf} from '../core/paths.js';
import {followTask} from '../core/tasks.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';

const TRASH_PAGE = 500;
const TOLD = 50;

const BULK = 'admin/bulk/';
const FOLDERS = 'admin/filesystem/folders/';
const FILES = 'admin/filesystem/images/';

// `changed(folders, renamed)` is called when there is something new in these folders; `renamed` has the path `from` which
// an entry came, if it was there before, and the path `to` which.
export class Deeds {
    #changed;

    constructor(changed) {
        this.#changed = changed;
    }

    // Folders and files

    // These two are done while a dialog asks for the name. They give what is to be called when it is closed: it tells
    // what was done.

    async makeFolder(parent, name) {
        const {path} = await api.post(FOLDERS, {path: below(parent, name)});
        return () => {
            this.#changed([parent], {from: null, to: path});
            toast(t('browse_folder_made', {name: nameOf(path)}), {kind: 'good'});
        };
    }

    async rename(item, name) {
        const folder = parentOf(item.path);
        const path = await this.#moveOne(item, below(folder, name));
        return () => {
            this.#changed([folder], {from: item.path, to: path});
            this.#undoable(t('browse_renamed', {name: nameOf(path)}), async () => {
                await this.#moveOne({...item, path}, item.path);
                this.#changed([folder], {from: path, to: item.path});
            });
        };
    }

    async move(items, folder) {
        const moving = items.filter(item => parentOf(item.path) !== folder && !isWithin(folder, item));
        if (!moving.length) {
            toast(t('browse_move_nowhere'), {kind: 'info'});
            return;
        }
        const back = await this.#moveAll(moving, folder);
        if (back.length) {
            this.#undoable(t('browse_moved', {n: back.length, folder}), () => this.#moveBack(back));
        }
    }

    async copy(items, folder) {
        const files = items.filter(item => !item.folder);
        if (!files.length) {
            return;
        }
        const result = await this.#task(`${BULK}copy/`, {srcs: paths(files), folder}, t('browse_copying', {n: files.length, folder}));
        if (!result) {
            return;
        }
        this.#changed([folder]);
        this.#tellErrors(result.errors);
        const made = result.srcs ?? [];
        if (made.length) {
            this.#undoable(t('browse_copied', {n: made.length, folder}), async () => {
                await this.#task(`${BULK}delete/`, {srcs: JSON.stringify(made)}, t('browse_undoing'));
                this.#changed([folder]);
            });
        }
    }

    // The paths of what is gone.
    async remove(items) {
        if (!items.length || !(await this.#confirmed(items))) {
            return [];
        }
        const since = await newest();
        const gone = await this.#removeAll(items);
        this.#changed([...new Set(items.map(item => parentOf(item.path)))]);
        if (!gone.length) {
            return gone;
        }
        const text = gone.length === 1 ? t('browse_deleted_one', {name: nameOf(gone[0])}) : t('browse_deleted', {n: gone.length});
        if (page.data.trash_days) {
            this.#undoable(text, () => this.#restore(gone, since));
        } else {
            toast(text, {kind: 'good'});
        }
        return gone;
    }

    // Pictures are made before anybody asks for them: of the files at once, of each folder by itself.
    async precache(items) {
        const files = items.filter(item => !item.folder);
        const orders = items.filter(item => item.folder).map(({path}) => [{path}, t('browse_precaching', {path})]);
        if (files.length) {
            orders.push([{srcs: paths(files)}, t('browse_precaching_files', {n: files.length})]);
        }
        await Promise.all(orders.map(([body, title]) => this.#task('admin/tasks/precache/', body, title)));
    }

    // All servers look anew at what is in a folder.
    async uncache(path) {
        await this.#task('admin/tasks/uncache_folder_images/', {path}, t('browse_uncaching', {path}));
    }

    // Takes what `gone` were out of the trash again: the entries that have come since the one with the id `since`.
    async #restore(gone, since) {
        const wanted = new Set(gone);
        const failed = {};
        for (const {id, path} of await trashed(wanted, since)) {
            try {
                await api.post(`admin/trash/${id}/restore/`, {on_clash: 'rename'});
            } catch (error) {
                failed[path] = error;
            }
        }
        this.#changed([...new Set(gone.map(parentOf))]);
        this.#tellErrors(failed);
    }

    // Inside

    async #confirmed(items) {
        const folders = items.filter(item => item.folder);
        const files = items.length - folders.length;
        const forGood = !page.data.trash_days;
        if (!forGood && !folders.length && files <= MANY) {
            return true;
        }
        const top = folders.find(item => parentOf(item.path) === '/');
        const title =
            items.length === 1 ? t('browse_delete_one_title', {name: items[0].name}) : t('browse_delete_title', {n: items.length});
        const parts = [
            folders.length ? t('browse_delete_folders', {n: folders.length}) : '',
            forGood ? t('browse_delete_for_good') : t('browse_delete_to_trash', {n: page.data.trash_days}),
        ];
        const typed = top ? {type: top.name} : {count: items.length};
        return confirmDeed({title, text: parts.filter(Boolean).join(' '), deed: t('delete'), ...typed});
    }

    async #removeAll(items) {
        const gone = [];
        const failed = {};
        for (const item of items.filter(one => one.folder)) {
            try {
                await this.#settled(await api.delete(`${FOLDERS}${await folderId(item.path)}/`), item.name);
                gone.push(item.path);
            } catch (error) {
                failed[item.path] = error;
            }
        }
        const files = items.filter(item => !item.folder);
        if (files.length) {
            const result = await this.#task(`${BULK}delete/`, {srcs: paths(files)}, t('browse_deleting', {n: files.length}));
            Object.assign(failed, result?.errors);
            gone.push(...(result?.srcs ?? []));
        }
        this.#tellErrors(failed);
        return gone;
    }

    // Moves entries into a folder; returns what a way back needs.
    async #moveAll(items, folder) {
        const moved = [];
        const failed = {};
        for (const item of items.filter(one => one.folder)) {
            try {
                const path = await this.#moveFolder(item, below(folder, item.name));
                moved.push({folder: true, name: item.name, path, from: parentOf(item.path)});
            } catch (error) {
                failed[item.path] = error;
            }
        }
        const files = items.filter(item => !item.folder);
        if (files.length) {
            const title = t('browse_moving', {n: files.length, folder});
            const result = await this.#task(`${BULK}move/`, {srcs: paths(files), folder}, title);
            Object.assign(failed, result?.errors);
            const before = new Map(files.map(item => [item.name, item]));
            for (const path of result?.srcs ?? []) {
                const name = nameOf(path);
                moved.push({folder: false, name, path, from: parentOf(before.get(name)?.path ?? path)});
            }
        }
        this.#changed([folder, ...new Set(items.map(item => parentOf(item.path)))]);
        this.#tellErrors(failed);
        return moved;
    }

    async #moveBack(moved) {
        for (const from of new Set(moved.map(item => item.from))) {
            await this.#moveAll(moved.filter(item => item.from === from), from);
        }
    }

    async #moveOne(item, target) {
        if (item.folder) {
            return this.#moveFolder(item, target);
        }
        const id = item.id ?? (await api.get('details/', {src: item.path})).id;
        const moved = await api.put(`${FILES}${id}/`, {path: target});
        return `/${moved.src}`;
    }

    async #moveFolder(item, target) {
        const answer = await api.put(`${FOLDERS}${await folderId(item.path)}/`, {path: target});
        return (await this.#settled(answer, item.name))?.path ?? target;
    }

    // What came of a call that may have become a task.
    async #settled(answer, name) {
        return answer && 'funcname' in answer ? followTask(answer, {title: t('browse_folder_task', {name})}) : answer;
    }

    async #task(path, body, title) {
        try {
            return await followTask(await api.post(path, body), {title});
        } catch (error) {
            toast(error.message, {kind: 'bad'});
            return null;
        }
    }

    #undoable(text, run) {
        toast(text, {kind: 'good', action: {label: t('undo'), run: () => this.#undo(run)}});
    }

    async #undo(run) {
        try {
            await run();
        } catch (error) {
            toast(error.message, {kind: 'bad'});
        }
    }

    // `errors`: by path or id, each with a message.
    #tellErrors(errors) {
        const told = Object.values(errors ?? {});
        if (!told.length) {
            return;
        }
        if (told.length === 1) {
            toast(told[0].message, {kind: 'bad'});
            return;
        }
        const show = () =>
            openDialog({
                title: t('browse_failed_title', {n: told.length}),
                body: h('ul', {class: 'stack'}, told.slice(0, TOLD).map(one => h('li', {}, one.message))),
                actions: [{label: t('close'), value: 'close', kind: 'primary'}],
            });
        toast(t('browse_failed', {n: told.length}), {kind: 'bad', action: {label: t('browse_details'), run: show, undo: false}});
    }
}

function paths(files) {
    return JSON.stringify(files.map(item => item.path));
}

async function folderId(path) {
    return (await api.get(FOLDERS, {path})).id;
}

function isWithin(folder, item) {
    return item.folder && (folder === item.path || folder.startsWith(`${item.path}/`));
}

async function newest() {
    try {
        return (await api.get('admin/trash/', {limit: 1}))[0]?.id ?? 0;
    } catch (error) {
        if (error instanceof ApiError) {
            return 0;
        }
        throw error;
    }
}

// The entries of the trash with these paths that are newer than the one with the id `since`, the newest first.
async function trashed(wanted, since) {
    const found = [];
    for (let start = 0; ; start += TRASH_PAGE) {
        const items = await api.get('admin/trash/', {start, limit: TRASH_PAGE});
        found.push(...items.filter(entry => entry.id > since && wanted.has(entry.path)));
        if (items.length < TRASH_PAGE || items.at(-1).id <= since) {
            return found;
        }
    }
}
