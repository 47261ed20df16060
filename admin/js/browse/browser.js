// A folder as a page: what is in it, the tree beside it, and what can be done with all of that.

import {ACCESS} from '../core/access.js';
import {$, $$, h, icon, page, url} from '../core/dom.js';
import {takeFiles} from '../core/drop.js';
import {bytes} from '../core/format.js';
import {promptText} from '../core/dialog.js';
import {keys} from '../core/keys.js';
import {menuButton} from '../core/menu.js';
import {fileNameFault, folderNameFault} from '../core/names.js';
import {below, extensionOf, nameOf, parentOf} from '../core/paths.js';
import {pickFolder} from '../core/picker.js';
import {urlState} from '../core/state.js';
import {api} from '../core/api.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {collect} from '../upload/files.js';
import {BulkBar} from './bulk_bar.js';
import {crumbs} from './crumbs.js';
import {Deeds} from './deeds.js';
import {asTarget} from './dragging.js';
import {Entries} from './entries.js';
import {entryKeys} from './entry_keys.js';
import {openPreview} from './preview.js';
import {FolderSource} from './source.js';
import {Tools} from './tools.js';
import {Tree} from './tree.js';
import {Views} from './views.js';

const SETTLED = 300;

export class Browser {
    #place;
    #source = new FolderSource();
    #entries;
    #deeds = new Deeds((folders, renamed) => this.#changed(folders, renamed));
    #bar;
    #tree;
    #tools;
    #views;
    #state;
    #summary = page.data.summary;

    constructor(place) {
        this.#place = place;
        this.#state = stateOf(urlState.get(), page.data.view);
        this.#state.path = page.data.path;
    }

    start() {
        this.#entries = new Entries($('#entries'), this.#source);
        this.#tools = new Tools($('#tools'), {
            change: (changes, push) => this.#show({...this.#state, ...changes, start: 0}, {push}),
        });
        this.#views = new Views($('#tools'), this.#entries, {changed: view => this.#viewed(view)});
        this.#bar = new BulkBar(this.#entries, this.#deeds, {level: () => this.#summary.level});
        this.#tree = new Tree($('#tree'), {open: path => this.open(path), drop: (...drop) => this.#dropped(...drop)});
        this.#views.show(this.#state.view);
        this.#listen();
        this.#keys();
        this.#draw();
        this.#source.show(wishOf(this.#state), page.data.first);
        this.#entries.restart();
        this.#arrive(this.#state.start);
        this.#tree.show(this.#state.path);
    }

    // Shows another folder.
    open(path) {
        return this.#show({...this.#state, path, q: '', type: '', start: 0}, {push: true});
    }

    // State

    async #show(state, {push = false} = {}) {
        const moved = state.path !== this.#state.path;
        this.#state = state;
        urlState.set(addressOf(state), {push});
        remember('qis_folder', state.path);
        if (moved) {
            await this.#enter(state.path);
        }
        this.#tools.show(this.#state, this.#summary);
        const wish = wishOf(state);
        await this.#source.show(wish);
        if (wish !== this.#source.wish) {
            return;
        }
        this.#entries.restart();
        if (moved || push) {
            window.scrollTo(0, 0);
        }
        this.#arrive(state.start);
    }

    // The surroundings of a folder: its way, its facts, its place in the tree.
    async #enter(path) {
        this.#tree.show(path);
        this.#drawer(false);
        document.title = `${nameOf(path) || '/'} · qisd`;
        $('#crumbs').replaceChildren(this.#crumbs(path));
        await this.#learn(path);
    }

    async #learn(path) {
        const summary = await api.get('list/summary/', {path}).catch(error => {
            toast(error.message, {kind: 'bad'});
            return {path, folders: 0, files: 0, size: 0, types: {}, level: 0, parent_level: 0, public: 0};
        });
        if (path === this.#state.path) {
            this.#summary = summary;
            this.#draw();
        }
    }

    #draw() {
        const {path} = this.#state;
        $('#crumbs').replaceChildren(this.#crumbs(path));
        const {files, folders, size, level} = this.#summary;
        const open = this.#summary.public >= ACCESS.view;
        const link = page.may('admin_permissions') && {href: url('admin/permissions/', {path}), title: t('browse_permissions')};
        $('#facts').replaceChildren(
            h('span', {}, files || !folders ? t('browse_facts', {n: files, size: bytes(size)}) : t('browse_facts_folders', {n: folders})),
            h(link ? 'a' : 'span', {class: ['badge', open ? 'good' : ''], ...link}, icon(open ? 'globe' : 'lock'), t(open ? 'browse_public' : 'browse_closed')),
        );
        for (const [id, needed] of [['upload', ACCESS.upload], ['new-folder', ACCESS.createFolder]]) {
            const button = $(`#${id}`);
            const why = level < needed ? t('browse_why_level', {level: t(`browse_level_${needed}`)}) : '';
            button.setAttribute('aria-disabled', String(Boolean(why)));
            button.title = why;
        }
        $('#upload').href = url('upload/', {path});
        $('#trash').href = url('trash/', {path: path === '/' ? null : path});
        this.#tools.show(this.#state, this.#summary);
    }

    #crumbs(path) {
        return crumbs(path, {
            heading: true,
            open: to => this.open(to),
            dress: (link, place) => asTarget(link, () => place, (...drop) => this.#dropped(...drop)),
        });
    }

    // Where one arrives: at an entry that the address names, or at a place in the list.
    async #arrive(start) {
        const name = decoded(location.hash.slice(1));
        if (name) {
            await loaded();
            let index = this.#source.known().find(one => one.item.name === name)?.index ?? -1;
            if (index < 0 && this.#source.total > this.#source.known().length) {
                index = (await this.#source.everything()).findIndex(item => item?.name === name);
            }
            if (index >= 0) {
                this.#entries.reveal(index, {focus: true});
            }
            history.replaceState(null, '', location.pathname + location.search);
        } else if (start) {
            this.#entries.reveal(start);
        }
    }

    #viewed(view) {
        this.#state = {...this.#state, view};
        remember('qis_view', view);
        this.#tools.show(this.#state, this.#summary);
    }

    // Something has happened to these folders.
    async #changed(folders, renamed = null) {
        const {path} = this.#state;
        this.#tree.changed(folders);
        if (renamed?.from && (path === renamed.from || path.startsWith(`${renamed.from}/`))) {
            await this.open(renamed.to + path.slice(renamed.from.length));
        } else if (folders.includes(path)) {
            await Promise.all([this.#entries.renew(), this.#learn(path)]);
            if (renamed) {
                const index = this.#source.known().find(one => one.item.path === renamed.to)?.index;
                if (index !== undefined) {
                    this.#entries.reveal(index, {focus: true});
                }
            }
        }
    }

    // Events

    #listen() {
        this.#entries.addEventListener('open', event => this.open(event.detail.path));
        this.#entries.addEventListener('drop', ({detail}) => this.#dropped(detail.items, detail.folder, detail.copy));
        this.#entries.addEventListener('preview', () => openPreview(this.#entries));
        this.#source.addEventListener('changed', () => this.#tell());
        this.#source.addEventListener('renewed', () => this.#tell());
        window.addEventListener('popstate', () => {
            const state = stateOf(urlState.get(), this.#state.view);
            this.#views.show(state.view);
            this.#show(state);
        });
        let timer = null;
        window.addEventListener('scroll', () => {
            clearTimeout(timer);
            timer = setTimeout(() => urlState.set({start: this.#entries.first || null}), SETTLED);
        }, {passive: true});
        takeFiles({files: transfer => this.#upload(collect(transfer)), over: over => this.#overlay(over)});
        $('#new-folder').addEventListener('click', event => {
            event.preventDefault();
            this.#makeFolder();
        });
        for (const button of $$('[aria-disabled]', this.#place)) {
            button.addEventListener('click', event => this.#refuse(event, button), {capture: true});
        }
        menuButton($('#more'), () => this.#menu());
        $('#drawer').addEventListener('click', () => this.#drawer());
    }

    // Where there is no room for it, the tree opens on demand.
    #drawer(open = !$('#side').classList.contains('open')) {
        $('#side').classList.toggle('open', open);
        $('#drawer').setAttribute('aria-expanded', String(open));
    }

    #refuse(event, button) {
        if (button.getAttribute('aria-disabled') === 'true') {
            event.preventDefault();
            event.stopImmediatePropagation();
            toast(button.title, {kind: 'info'});
        }
    }

    #tell() {
        const {failed, total} = this.#source;
        const note = $('#note');
        note.hidden = total > 0 && !failed;
        if (failed) {
            note.replaceChildren(h('p', {}, failed.message),
                h('button', {type: 'button', class: 'button', on: {click: () => this.#show(this.#state)}}, t('try_again')));
        } else if (!total) {
            note.replaceChildren(...this.#emptiness());
        }
    }

    #emptiness() {
        if (this.#state.q || this.#state.type) {
            const clear = () => this.#show({...this.#state, q: '', type: '', start: 0});
            return [icon('search'), h('p', {}, t('browse_nothing_fits')),
                h('button', {type: 'button', class: 'button', on: {click: clear}}, t('browse_show_all'))];
        }
        const may = this.#summary.level >= ACCESS.upload;
        return [icon('folder'), h('p', {}, t('browse_empty')), may && h('p', {class: 'muted'}, t('browse_empty_drop'))].filter(Boolean);
    }

    #keys() {
        const {selection} = this.#entries;
        keys({
            n: {run: () => this.#makeFolder(), text: t('browse_new_folder')},
            F2: {run: () => this.#rename(), text: t('browse_rename')},
            ...entryKeys(this.#entries, this.#bar),
            Escape: {run: () => (selection.size ? selection.clear() : this.#up()), text: t('browse_key_back')},
        });
    }

    #up() {
        if (this.#state.path !== '/') {
            this.open(parentOf(this.#state.path));
        }
    }

    // Deeds

    // `found`: promises what was dropped, since the transfer itself is empty by the next moment.
    async #upload(found) {
        const {path} = this.#state;
        if (this.#summary.level < ACCESS.upload) {
            toast(t('browse_why_level', {level: t(`browse_level_${ACCESS.upload}`)}), {kind: 'bad'});
            return;
        }
        const {uploadFiles} = await import('../upload/queue.js');
        await uploadFiles(await found, {path});
        this.#changed([path]);
    }

    #overlay(over) {
        const box = $('#drop');
        box.hidden = !over;
        $('p', box).textContent = t('browse_drop_here', {folder: this.#state.path});
    }

    async #dropped(items, folder, copy) {
        this.#entries.selection.clear();
        await (copy ? this.#deeds.copy(items, folder) : this.#deeds.move(items, folder));
    }

    async #makeFolder() {
        if (this.#summary.level < ACCESS.createFolder) {
            toast(t('browse_why_level', {level: t(`browse_level_${ACCESS.createFolder}`)}), {kind: 'info'});
            return;
        }
        const parent = this.#state.path;
        await this.#named(folderNameFault, name => this.#deeds.makeFolder(parent, name), {
            title: t('browse_new_folder'),
            deed: t('browse_make'),
        });
    }

    async #rename() {
        const [item] = this.#entries.meant;
        if (item && this.#entries.meant.length === 1) {
            await this.#renameOne(item);
        }
    }

    async #renameOne(item) {
        await this.#named(item.folder ? folderNameFault : fileNameFault, name => this.#deeds.rename(item, name), {
            title: t('browse_rename_title', {name: item.name}),
            value: item.name,
            deed: t('browse_rename'),
            hint: item.folder ? '' : t('browse_rename_hint', {type: extensionOf(item.name)}),
        });
    }

    // Asks for a name and does `deed` with it; what goes wrong is told beside the field.
    async #named(fault, deed, asked) {
        let tell = null;
        const check = async name => {
            try {
                const wrong = fault(name);
                tell = wrong ? null : await deed(name.trim());
                return wrong;
            } catch (error) {
                return error.message;
            }
        };
        await promptText({label: t('browse_name'), check, ...asked});
        if (tell) {
            this.#entries.selection.clear();
            tell();
        }
    }

    #menu() {
        const {path} = this.#state;
        const {level, parent_level: above} = this.#summary;
        const folder = {path, name: nameOf(path), folder: true};
        const root = path === '/';
        const may = (wanted, needed) => {
            const why = root ? t('browse_why_root') : t('browse_why_level', {level: t(`browse_level_${needed}`)});
            return {disabled: root || wanted < needed, why};
        };
        return [
            {label: t('browse_rename_folder'), icon: 'edit', run: () => this.#renameOne(folder), ...may(above, ACCESS.createFolder)},
            {label: t('browse_move_folder'), icon: 'move', run: () => this.#moveFolder(folder), ...may(above, ACCESS.removeFolder)},
            {label: t('browse_delete_folder'), icon: 'trash', danger: true, run: () => this.#deleteFolder(folder), ...may(above, ACCESS.removeFolder)},
            null,
            {label: t('browse_refresh'), icon: 'refresh', run: () => this.#changed([path])},
            level >= ACCESS.remove && {label: t('browse_trash_here'), icon: 'restore', href: url('trash/', {path})},
            page.may('admin_permissions') && {label: t('browse_permissions'), icon: 'key', href: url('admin/permissions/', {path})},
            page.may('admin_all') && {label: t('browse_precache'), icon: 'play', run: () => this.#deeds.precache([folder])},
            page.may('admin_all') && {label: t('browse_uncache'), icon: 'refresh', run: () => this.#uncache(path)},
        ].filter(one => one !== false);
    }

    // What other programs have changed there shows at once.
    async #uncache(path) {
        await this.#deeds.uncache(path);
        await this.#changed([path]);
    }

    async #moveFolder(folder) {
        const to = await pickFolder({path: parentOf(folder.path), level: ACCESS.createFolder, title: t('browse_move_title', {n: 1})});
        if (to !== null && to !== parentOf(folder.path)) {
            await this.#deeds.move([folder], to);
            if (this.#state.path === folder.path) {
                await this.open(below(to, folder.name));
            }
        }
    }

    async #deleteFolder(folder) {
        const {path} = this.#state;
        const gone = await this.#deeds.remove([folder]);
        if (gone?.length && this.#state.path === path) {
            await this.open(parentOf(path));
        }
    }
}

// What an address says.
function stateOf(query, view) {
    const sort = query.sort || 'name';
    return {
        path: query.path || '/',
        view: query.view === 'grid' || query.view === 'list' ? query.view : view,
        sort: sort.replace(/^-/, ''),
        descending: sort.startsWith('-'),
        q: query.q ?? '',
        type: query.type ?? '',
        start: Number(query.start) || 0,
    };
}

function addressOf({path, sort, descending, q, type, start}) {
    const order = `${descending ? '-' : ''}${sort}`;
    return {path, sort: order === 'name' ? null : order, q, type, start: start || null};
}

function wishOf({path, sort, descending, q, type}) {
    return {path, sort, descending, q, type};
}

function remember(name, value) {
    const path = page.root.replace(/\/$/, '') || '/';
    document.cookie = `${name}=${encodeURIComponent(value).replaceAll('%2F', '/')}; Path=${path}; SameSite=Lax`;
}

// Until then the browser goes to the fragment of the address itself, and takes the focus along.
async function loaded() {
    if (document.readyState !== 'complete') {
        await new Promise(done => window.addEventListener('load', () => setTimeout(done), {once: true}));
    }
}

function decoded(text) {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}
