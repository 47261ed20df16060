// Choosing a folder or images: one goes from folder to folder, or looks for words.

import {ACCESS} from '../core/access.js';
import {api} from '../core/api.js';
import {promptText} from '../core/dialog.js';
import {h, icon} from '../core/dom.js';
import {folderNameFault} from '../core/names.js';
import {below} from '../core/paths.js';
import {t} from '../core/texts.js';
import {thumb} from '../core/thumb.js';
import {VirtualList} from '../core/virtual.js';
import {crumbs} from './crumbs.js';
import {FolderSource, SearchSource} from './source.js';

const ROW = 52;
const PAUSE = 250;

// `mode`: 'folder', 'file' or 'files'. `level`: what one must be allowed to in the folder that is chosen. Fires
// `changed`; `picked` when a single file was chosen.
export class Chooser extends EventTarget {
    path = '/';
    chosen = new Map();
    #mode;
    #level;
    #filter;
    #folders = new FolderSource();
    #search = new SearchSource();
    #source = this.#folders;
    #way = h('nav', {class: 'crumbs', 'aria-label': t('browse_crumbs')});
    #box = h('div', {class: 'chooser-list', tabindex: -1});
    #note = h('p', {class: 'muted chooser-note', role: 'status'});
    #tools = h('div', {class: 'row chooser-tools'});
    #list;
    #own = {level: 0};

    constructor({mode = 'folder', level = ACCESS.view, filter = ''} = {}) {
        super();
        this.#mode = mode;
        this.#level = level;
        this.#filter = filter;
        this.element = h('div', {class: 'chooser'}, this.#way, this.#tools, this.#box, this.#note);
        for (const source of [this.#folders, this.#search]) {
            source.addEventListener('changed', () => this.#changed(source));
            source.addEventListener('renewed', () => this.#changed(source));
        }
        this.#fillTools();
    }

    // To be called when the element is in the page.
    async open(path) {
        this.#list ??= new VirtualList({
            container: this.#box,
            rowHeight: ROW,
            render: index => this.#row(index),
            load: (start, count) => this.#source.need(start, count),
            role: 'list',
        });
        this.path = path;
        this.#source = this.#folders;
        this.#way.replaceChildren(crumbs(path, {open: to => this.open(to)}));
        this.#own = {level: 0};
        const wish = {path, sort: 'name', descending: false, q: '', type: this.#filter, files: this.#mode !== 'folder'};
        await Promise.all([this.#folders.show(wish), this.#learn(path)]);
        if (wish !== this.#folders.wish) {
            return;
        }
        this.#box.scrollTop = 0;
        this.#tell();
    }

    // Why the folder can't be chosen, or nothing.
    get whyNot() {
        return this.#mode === 'folder' && this.#own.level < this.#level ? t('browse_why_level', {level: t(`browse_level_${this.#level}`)}) : '';
    }

    async #learn(path) {
        const own = await api.get('list/summary/', {path}).catch(() => ({level: 0}));
        if (path === this.path) {
            this.#own = own;
        }
    }

    #tell() {
        this.makeButton.hidden = this.#own.level < ACCESS.createFolder;
        this.uploadButton.hidden = this.#own.level < ACCESS.upload;
        this.dispatchEvent(new Event('changed'));
    }

    #fillTools() {
        this.makeButton = h('button', {type: 'button', class: 'button quiet', on: {click: () => this.#make()}}, icon('folder-plus'), t('browse_new_folder'));
        const files = h('input', {type: 'file', multiple: true, class: 'visually-hidden', tabindex: -1, 'aria-hidden': 'true', on: {change: event => this.#upload(event.target)}});
        this.uploadButton = h('button', {type: 'button', class: 'button quiet', on: {click: () => files.click()}}, icon('upload'), t('browse_upload'));
        let timer = null;
        const words = h('input', {type: 'search', 'aria-label': t('browse_search'), placeholder: t('browse_search'), on: {
            input: event => {
                clearTimeout(timer);
                timer = setTimeout(() => this.#look(event.target.value.trim()), PAUSE);
            },
        }});
        this.#tools.append(...(this.#mode === 'folder' ? [this.makeButton] : [words, this.uploadButton, files]));
    }

    #look(words) {
        if (!words) {
            this.open(this.path);
            return;
        }
        this.#source = this.#search;
        this.#search.show({q: `${words} ${this.#filter ? `type:${this.#filter}` : ''}`.trim(), sort: ''});
    }

    #changed(source) {
        if (source !== this.#source || !this.#list) {
            return;
        }
        this.#list.refresh({count: source.total, keep: true});
        if (source.failed) {
            this.#note.textContent = source.failed.message;
        } else if (source.total) {
            this.#note.textContent = '';
        } else {
            this.#note.textContent = t(this.#mode === 'folder' ? 'browse_no_folders' : 'browse_nothing_here');
        }
    }

    #row(index) {
        const item = this.#source.item(index);
        if (!item) {
            return h('div', {class: 'chooser-row', role: 'listitem', 'aria-busy': 'true'}, h('span', {class: 'skeleton entry-line'}));
        }
        const usable = item.folder || item.supported;
        const button = h('button', {
            type: 'button', class: 'chooser-entry', disabled: !usable, on: {click: () => this.#take(item, button)},
            'aria-pressed': item.folder || this.#mode !== 'files' ? null : String(this.chosen.has(item.path)),
        }, this.#picture(item), h('span', {class: 'chooser-name', dir: 'auto'}, item.name), item.folder && icon('right'));
        return h('div', {class: 'chooser-row', role: 'listitem'}, button);
    }

    #picture(item) {
        if (item.folder || !item.supported) {
            return icon(item.folder ? 'folder' : 'file');
        }
        return thumb(item.path, 40);
    }

    #take(item, button) {
        if (item.folder) {
            this.open(item.path);
        } else if (this.#mode === 'files') {
            if (!this.chosen.delete(item.path)) {
                this.chosen.set(item.path, item);
            }
            button.setAttribute('aria-pressed', String(this.chosen.has(item.path)));
            this.#tell();
        } else {
            this.chosen = new Map([[item.path, item]]);
            this.dispatchEvent(new Event('picked'));
        }
    }

    async #make() {
        const name = await promptText({title: t('browse_new_folder'), label: t('browse_name'), deed: t('browse_make'), check: folderNameFault});
        if (name === null) {
            return;
        }
        try {
            const made = await api.post('admin/filesystem/folders/', {path: below(this.path, name.trim())});
            await this.open(made.path);
        } catch (error) {
            this.#note.textContent = error.message;
        }
    }

    async #upload(input) {
        const {uploadFiles} = await import('../upload/queue.js');
        await uploadFiles(input.files, {path: this.path});
        input.value = '';
        await this.open(this.path);
    }
}
