// The queue, file by file.

import {$, h, icon, setText} from '../core/dom.js';
import {confirmDeed} from '../core/dialog.js';
import {bytes} from '../core/format.js';
import {t} from '../core/texts.js';
import {summary, words} from './card.js';
import {askAll} from './duplicates.js';
import {previewOf} from './preview.js';
import {OPEN, queue} from './queue.js';

const SHOWN = 500; // rows at once; the others follow as these are done

const BUTTONS = {
    pause: {icon: 'pause', when: ['waiting', 'sending', 'checking'], run: item => queue.pause([item.id])},
    resume: {icon: 'play', when: ['paused'], run: item => queue.resume([item.id])},
    retry: {icon: 'refresh', when: ['failed'], only: item => !item.unfit, run: item => queue.resume([item.id])},
    decide: {icon: 'compare', when: ['asking'], run: () => askAll()},
    allow: {icon: 'key', when: ['lost'], only: item => item.permit, run: item => queue.permit(item.id)},
    remove: {icon: 'close', when: [...OPEN, 'failed'], run: item => queue.remove([item.id])},
};

export class Rows {
    #section;
    #rows = new Map();

    constructor(section) {
        this.#section = section;
        $('#queue-tools').append(
            h('button', {type: 'button', class: 'button', id: 'toggle-all', on: {click: () => this.#toggle()}}),
            h('button', {type: 'button', class: 'button', id: 'retry-all', on: {click: () => this.#retryAll()}}, t('retry_all')),
            h('button', {type: 'button', class: 'button', id: 'remove-all', on: {click: () => this.#removeAll()}}, t('remove_open')),
        );
        queue.addEventListener('change', () => this.draw());
        this.draw();
    }

    draw() {
        const items = queue.items.filter(item => OPEN.has(item.state) || item.state === 'failed');
        this.#section.hidden = !items.length;
        const now = summary(queue.items);
        const bar = $('#queue-bar');
        bar.value = now.total ? now.sent / now.total : 0;
        setText($('#queue-text'), now.open ? `${words(now)} · ${t('card_count', {over: now.over, n: now.count})}` : '');
        setText($('#queue-title'), t(now.open ? 'queue' : 'queue_failed'));
        $('#retry-all').hidden = this.#again().length < 2;
        const toggle = $('#toggle-all');
        setText(toggle, t(now.moving ? 'pause_all' : 'resume_all'));
        toggle.hidden = !(now.moving || now.paused || now.lost);
        this.#drawRows(items.slice(0, SHOWN));
    }

    #drawRows(items) {
        const ids = new Set(items.map(item => item.id));
        for (const [id, row] of this.#rows) {
            if (!ids.has(id)) {
                row.element.remove();
                this.#rows.delete(id);
            }
        }
        for (const item of items) {
            let row = this.#rows.get(item.id);
            if (!row) {
                row = new Row(item);
                this.#rows.set(item.id, row);
                $('#queue-list').append(row.element);
            }
            row.draw(item);
        }
    }

    #toggle() {
        const moving = queue.open.filter(item => BUTTONS.pause.when.includes(item.state));
        if (moving.length) {
            queue.pause(moving.map(item => item.id));
        } else {
            queue.resume(queue.open.filter(item => ['paused', 'lost'].includes(item.state)).map(item => item.id));
        }
    }

    #retryAll() {
        queue.resume(this.#again().map(item => item.id));
    }

    #again() {
        return queue.items.filter(item => item.state === 'failed' && !item.unfit);
    }

    async #removeAll() {
        const items = queue.items.filter(item => OPEN.has(item.state) || item.state === 'failed');
        const open = items.filter(item => OPEN.has(item.state)).length;
        const sure =
            !open || (await confirmDeed({title: t('remove_title'), text: t('remove_text', {n: open}), deed: t('remove_open')}));
        if (sure) {
            queue.remove(items.map(item => item.id));
        }
    }
}

class Row {
    constructor(item) {
        this.id = item.id;
        this.bar = h('progress', {class: 'progress', max: 1, 'aria-label': item.name});
        this.text = h('span', {class: 'muted upload-row-text'});
        this.tools = h('div', {class: 'upload-row-tools'});
        this.picture = h('div', {class: 'upload-row-picture'});
        this.element = h(
            'li',
            {class: 'upload-row', dataset: {id: item.id}},
            this.picture,
            h(
                'div',
                {class: 'upload-row-main'},
                h('span', {class: 'upload-row-name'}, item.name),
                h('span', {class: 'muted'}, `${bytes(item.size)} · ${t('to', {folder: item.folder})}`),
                this.bar,
                this.text,
            ),
            this.tools,
        );
        previewOf(item).then(picture => this.picture.replaceChildren(picture));
    }

    draw(item) {
        this.element.dataset.state = item.state;
        const part = item.size ? Math.min(item.sent / item.size, 1) : 0;
        this.bar.value = part;
        this.bar.hidden = item.state === 'failed';
        setText(this.text, describe(item, part));
        this.text.classList.toggle('bad', item.state === 'failed');
        const wanted = Object.keys(BUTTONS).filter(
            name => BUTTONS[name].when.includes(item.state) && (BUTTONS[name].only?.(item) ?? true),
        );
        if (this.tools.dataset.shown !== wanted.join()) {
            const focused = this.tools.contains(document.activeElement);
            this.tools.dataset.shown = wanted.join();
            this.tools.replaceChildren(...wanted.map(name => button(name, item)));
            if (focused) {
                this.tools.firstChild?.focus();
            }
        }
    }
}

function button(name, item) {
    const {icon: sign, run} = BUTTONS[name];
    const label = t(`row_${name}`, {name: item.name});
    const attributes = {type: 'button', class: 'button quiet icon-only', 'aria-label': label, title: t(name)};
    return h('button', {...attributes, dataset: {deed: name}, on: {click: () => run(queue.get(item.id) ?? item)}}, icon(sign));
}

function describe(item, part) {
    if (item.state === 'failed') {
        return item.error || t('state_failed');
    }
    if (item.state === 'waiting' && item.error) {
        return item.error;
    }
    if (item.state === 'lost' && item.permit) {
        return t('state_permit');
    }
    return t(`state_${item.state}`, {percent: Math.floor(part * 100)});
}
