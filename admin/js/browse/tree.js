// The tree of folders at the side: each level is asked for when it is opened.

import {api} from '../core/api.js';
import {h, icon, url} from '../core/dom.js';
import {nameOf, parentOf} from '../core/paths.js';
import {t} from '../core/texts.js';
import {asTarget} from './dragging.js';

const MOST = 1000;

// `open(path)` shows a folder, `drop(folder)` is told what is dropped on one.
export class Tree {
    #list;
    #open;
    #drop;
    #nodes = new Map();
    #current = '/';

    constructor(container, {open, drop}) {
        this.#open = open;
        this.#drop = drop;
        this.#list = h('ul', {class: 'tree'});
        container.append(this.#list);
        this.#list.append(this.#node({path: '/', name: t('browse_root'), folders: true}));
    }

    // Marks a folder, and opens the way to it.
    async show(path) {
        this.#mark(false);
        this.#current = path;
        const above = ['/'];
        for (let at = parentOf(path); at !== '/'; at = parentOf(at)) {
            above.splice(1, 0, at);
        }
        for (const one of above) {
            await this.#expand(one);
        }
        if (this.#current === path) {
            this.#mark(true);
        }
    }

    // There is something new in these folders.
    async changed(paths) {
        for (const path of paths) {
            const node = this.#nodes.get(path);
            if (node?.loaded) {
                node.loaded = null;
                await this.#expand(path);
            } else if (node) {
                node.toggle.hidden = false;
            }
        }
        this.#mark(true);
    }

    #mark(on) {
        const node = this.#nodes.get(this.#current);
        if (on) {
            node?.link.setAttribute('aria-current', 'page');
            node?.link.scrollIntoView({block: 'nearest'});
        } else {
            node?.link.removeAttribute('aria-current');
        }
    }

    #node(folder) {
        const {path, name, folders} = folder;
        const toggle = h(
            'button',
            {
                type: 'button',
                class: 'tree-toggle',
                'aria-expanded': 'false',
                'aria-label': t('browse_open_level', {name}),
                on: {click: () => this.#toggle(path)},
            },
            icon('right'),
        );
        toggle.hidden = !folders;
        const link = h(
            'a',
            {
                href: url('list/', {path}),
                class: 'tree-name',
                title: name,
                on: {click: event => this.#follow(event, path)},
            },
            icon('folder'),
            h('span', {dir: 'auto'}, name),
        );
        asTarget(link, () => path, this.#drop);
        const inner = h('ul', {});
        inner.hidden = true;
        this.#nodes.set(path, {toggle, link, inner, loaded: null});
        return h('li', {}, h('div', {class: 'tree-row'}, toggle, link), inner);
    }

    #follow(event, path) {
        if (event.ctrlKey || event.metaKey || event.shiftKey) {
            return;
        }
        event.preventDefault();
        this.#open(path);
    }

    #toggle(path) {
        const node = this.#nodes.get(path);
        if (node.inner.hidden) {
            this.#expand(path);
        } else {
            this.#fold(node, true);
        }
    }

    #fold(node, folded) {
        node.inner.hidden = folded;
        node.toggle.setAttribute('aria-expanded', String(!folded));
    }

    async #expand(path) {
        const node = this.#nodes.get(path);
        if (!node) {
            return;
        }
        node.loaded ??= this.#load(node, path);
        await node.loaded;
        this.#fold(node, false);
    }

    async #load(node, path) {
        const query = {path, folders: 1, files: 'no', facts: 1, sort: 'name', limit: MOST};
        let found;
        try {
            found = await api.get('list/', query, {quiet: true});
        } catch {
            node.loaded = null; // what is there stays, and can be opened once more
            return;
        }
        const fresh = found.map(one => ({path: one.path, name: nameOf(one.path), folders: one.folders}));
        const known = new Map([...node.inner.children].map(child => [child.dataset.path, child]));
        node.inner.replaceChildren(
            ...fresh.map(folder => {
                const child = known.get(folder.path) ?? this.#node(folder);
                child.dataset.path = folder.path;
                this.#nodes.get(folder.path).toggle.hidden = !folder.folders;
                return child;
            }),
        );
        node.toggle.hidden = !fresh.length;
        const kept = new Set(fresh.map(folder => folder.path));
        for (const gone of known.keys()) {
            if (!kept.has(gone)) {
                this.#forget(gone);
            }
        }
    }

    #forget(path) {
        for (const known of [...this.#nodes.keys()]) {
            if (known === path || known.startsWith(`${path}/`)) {
                this.#nodes.delete(known);
            }
        }
    }
}
