// What to upload and where to: drops, pickers and pastes add up until the button sends them to the queue.

import {ACCESS} from '../core/access.js';
import {api} from '../core/api.js';
import {$, $$, h, icon, page} from '../core/dom.js';
import {takeFiles} from '../core/drop.js';
import {bytes} from '../core/format.js';
import {pickFolder} from '../core/picker.js';
import {t} from '../core/texts.js';
import {fault, places} from './checks.js';
import {collect, pasted, sameness} from './files.js';
import {queue} from './queue.js';

const OWN = -1;

export class UploadForm {
    #form;
    #chosen = new Map(); // what is to be sent, by what tells one file from another
    #rules = null;
    #own = null; // what the server says of the path that was typed

    constructor(form) {
        this.#form = form;
        this.#showControls();
        this.#listen();
        this.#draw();
        places().then(rules => {
            this.#rules = rules;
            this.#draw();
        });
        if (this.#index === OWN) {
            this.#lookAtPath();
        }
    }

    // What the plain form does not have.
    #showControls() {
        $('#drop-text').hidden = false;
        $('#overwrite-ask').hidden = false;
        if (!page.data.overwrite) {
            $('#overwrite-ask input').checked = true;
        }
        $('#pick-folder').hidden = false;
        const plain = $('.upload-plain', this.#form);
        this.#files = $('input', plain);
        this.#files.classList.add('visually-hidden');
        this.#files.tabIndex = -1;
        this.#tree = h('input', {type: 'file', multiple: true, webkitdirectory: true, hidden: true, 'aria-label': t('pick_tree')});
        plain.replaceChildren(
            h('button', {type: 'button', class: 'button', id: 'pick-files', on: {click: () => this.#files.click()}}, icon('file'), t('pick_files')),
            h('button', {type: 'button', class: 'button', id: 'pick-tree', on: {click: () => this.#tree.click()}}, icon('folder'), t('pick_tree')),
            h('label', {class: 'visually-hidden', for: 'files'}, t('files')),
            this.#files,
            this.#tree,
        );
        plain.classList.add('row');
        plain.classList.remove('field');
    }

    #files;
    #tree;

    #listen() {
        for (const input of [this.#files, this.#tree]) {
            input.addEventListener('change', async () => {
                await this.#add(await collect(input.files));
                input.value = '';
            });
        }
        this.#listenToDrops();
        document.addEventListener('paste', event => {
            if (event.clipboardData.files.length && !event.target.closest?.('input, textarea')) {
                event.preventDefault();
                this.#add(pasted(event.clipboardData));
            }
        });
        $('#clear').addEventListener('click', () => {
            this.#chosen.clear();
            this.#draw();
        });
        $('#pick-folder').addEventListener('click', () => this.#pick());
        $('#path').addEventListener('change', () => this.#lookAtPath());
        $('#path').addEventListener('focus', () => {
            $('input[name="path_index"][value="-1"]', this.#form).checked = true;
        });
        for (const radio of $$('input[name="path_index"]', this.#form)) {
            radio.addEventListener('change', () => (this.#index === OWN ? this.#lookAtPath() : this.#draw()));
        }
        this.#form.addEventListener('submit', event => {
            event.preventDefault();
            this.#send();
        });
    }

    // Anywhere on the page, so that nobody has to aim.
    #listenToDrops() {
        const zone = $('#drop');
        takeFiles({
            files: async transfer => this.#add(await collect(transfer)),
            over: on => zone.classList.toggle('over', on),
        });
    }

    async #add(found) {
        for (const one of found) {
            this.#chosen.set(sameness(one), one);
        }
        this.#draw();
        $('#go').focus();
    }

    get #index() {
        return Number($('input[name="path_index"]:checked', this.#form)?.value ?? OWN);
    }

    // Where files go now: {path, index, level} or null.
    get #place() {
        if (this.#index !== OWN) {
            const place = this.#rules?.folders.find(one => one.path_index === this.#index);
            return place ? {path: place.path, index: this.#index, level: place.access} : null;
        }
        return this.#own?.exists ? {path: this.#own.path, index: OWN, level: this.#own.access} : null;
    }

    async #lookAtPath() {
        const path = $('#path').value.trim() || '/';
        this.#own = null;
        this.#draw();
        try {
            this.#own = (await api.get('upload/places/', {path})).folder;
        } catch (error) {
            this.#own = {path, exists: error.status !== 404, access: 0};
        }
        this.#draw();
    }

    async #pick() {
        const path = await pickFolder({path: $('#path').value || '/', level: ACCESS.upload});
        if (path) {
            $('#path').value = path;
            $('input[name="path_index"][value="-1"]', this.#form).checked = true;
            this.#lookAtPath();
        }
    }

    async #send() {
        const place = this.#place;
        const found = [...this.#chosen.values()];
        if (!place || !found.length || place.level < ACCESS.upload) {
            return;
        }
        const overwrite = $('input[name="overwrite"]:checked', this.#form).value;
        this.#chosen.clear();
        this.#draw();
        await queue.add(found, {folder: place.path, pathIndex: place.index, overwrite});
    }

    // The texts and the button, as things are now.
    #draw() {
        const found = [...this.#chosen.values()];
        const place = this.#place;
        const faults = this.#rules ? found.map(one => ({name: one.file.name, why: fault(one.file, this.#rules)})).filter(one => one.why) : [];
        const good = found.length - faults.length;
        const go = $('#go');
        go.textContent = good ? t('upload_n', {n: good}) : t('upload_go');
        go.disabled = !good || !place || place.level < ACCESS.upload;
        $('#clear').hidden = !found.length;
        $('#path-note').textContent = this.#pathNote();
        $('#chosen').textContent = found.length ? this.#sum(found, faults, place) : '';
    }

    #pathNote() {
        if (this.#index !== OWN || !this.#own) {
            return '';
        }
        if (!this.#own.exists) {
            return t('path_missing');
        }
        return this.#own.access < ACCESS.upload ? t('path_forbidden') : '';
    }

    #sum(found, faults, place) {
        const size = bytes(found.reduce((sum, one) => sum + one.file.size, 0));
        const trees = found.filter(one => one.relative).length;
        const [first] = faults;
        return [
            t(trees ? 'chosen_trees' : 'chosen', {n: found.length, size}),
            first ? t('faulty', {n: faults.length, ...first}) : '',
            trees && place ? t(place.level < ACCESS.createFolder ? 'folders_forbidden' : 'folders_kept') : '',
        ]
            .filter(Boolean)
            .join(' · ');
    }
}
