// The card in the corner that shows how uploads go on, on all pages but the one that shows them one by one.

import {$, h, icon, setText, url} from '../core/dom.js';
import {bytes} from '../core/format.js';
import {loadStyle} from '../core/style.js';
import {loadTexts, t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {askAll} from './duplicates.js';
import {OPEN, queue} from './queue.js';

let shown = null;

// Begin with the queue and show it; can be called again.
export function showUploads() {
    shown ??= show();
    return shown;
}

async function show() {
    await Promise.all([loadTexts('upload_queue'), loadStyle('upload_queue')]);
    await queue.begin();
    const card = new Card(summary(queue.items).asking);
    queue.addEventListener('change', () => card.draw());
    card.draw();
}

// What is going on, in numbers: of all batches that have something open.
export function summary(items) {
    const open = items.filter(item => OPEN.has(item.state));
    const batches = new Set(open.map(item => item.batch));
    const counted = items.filter(item => batches.has(item.batch) && item.state !== 'skipped');
    const sum = (list, value) => list.reduce((total, item) => total + value(item), 0);
    const total = sum(counted, item => item.size);
    const sent = sum(counted, item => (item.state === 'done' ? item.size : Math.min(item.sent, item.size)));
    const those = state => open.filter(item => item.state === state).length;
    return {
        open: open.length,
        count: counted.length,
        over: counted.filter(item => !OPEN.has(item.state)).length,
        total,
        sent,
        asking: those('asking'),
        lost: those('lost'),
        paused: those('paused'),
        moving: those('sending') + those('waiting') + those('checking'),
        again: Math.max(0, ...open.filter(item => item.state === 'waiting').map(item => item.again)),
    };
}

class Card {
    #root = null;
    #was = 0;
    #asked;

    // `asked`: how many questions have been put on pages before, and stay where they are until somebody goes to them.
    constructor(asked) {
        this.#asked = asked;
    }

    // The page of uploads has a list of its own.
    get #hidden() {
        return Boolean($('[data-uploads]'));
    }

    draw() {
        const now = summary(queue.items);
        this.#question(now.asking);
        if (this.#was && !now.open) {
            this.#told();
        }
        this.#was = now.open;
        if (!now.open || this.#hidden) {
            this.#root?.remove();
            this.#root = null;
            return;
        }
        this.#root ??= this.#make();
        this.#fill(now);
    }

    #question(count) {
        if (count > this.#asked && document.visibilityState === 'visible') {
            askAll();
        }
        this.#asked = count;
    }

    #make() {
        const root = h(
            'section',
            {class: 'upload-card card', 'aria-label': t('card_title')},
            h(
                'header',
                {class: 'row'},
                h('a', {class: 'upload-card-title', href: url('upload/')}),
                h('button', {type: 'button', class: 'button quiet icon-only', on: {click: () => this.#toggle()}}),
            ),
            h('progress', {class: 'progress', max: 1}),
            h('p', {class: 'muted upload-card-text', role: 'status'}),
            h('button', {type: 'button', class: 'button upload-card-ask', hidden: true, on: {click: askAll}}),
        );
        document.body.append(root);
        return root;
    }

    #fill(now) {
        $('.upload-card-title', this.#root).textContent = t('card_count', {over: now.over, n: now.count});
        const bar = $('progress', this.#root);
        bar.value = now.total ? now.sent / now.total : 0;
        bar.setAttribute('aria-label', t('card_title'));
        setText($('.upload-card-text', this.#root), words(now));
        const button = $('button', this.#root);
        const label = t(now.moving ? 'pause_all' : 'resume_all');
        if (button.getAttribute('aria-label') !== label) {
            button.setAttribute('aria-label', label);
            button.title = label;
            button.replaceChildren(icon(now.moving ? 'pause' : 'play'));
        }
        const ask = $('.upload-card-ask', this.#root);
        ask.hidden = !now.asking;
        setText(ask, t('card_asking', {n: now.asking}));
    }

    #toggle() {
        const open = queue.open;
        const moving = open.filter(item => ['waiting', 'sending', 'checking'].includes(item.state));
        if (moving.length) {
            queue.pause(moving.map(item => item.id));
        } else {
            queue.resume(open.filter(item => ['paused', 'lost'].includes(item.state)).map(item => item.id));
        }
    }

    // All is over: say so once.
    #told() {
        if (this.#hidden) {
            return;
        }
        const last = queue.items.reduce((latest, item) => (item.added > (latest?.added ?? 0) ? item : latest), null);
        const batch = queue.items.filter(item => item.batch === last?.batch);
        const failed = batch.filter(item => item.state === 'failed').length;
        const done = batch.filter(item => item.state === 'done').length;
        const action = {label: t('show_results'), href: url('upload/')};
        if (failed) {
            toast(t('told_failed', {n: failed}), {kind: 'bad', action});
        } else if (done) {
            toast(t('told_done', {n: done}), {kind: 'good', action});
        }
    }
}

// How it stands, in words.
export function words(now) {
    if (now.moving && now.again > Date.now()) {
        return t('card_again');
    }
    if (now.moving) {
        return t('card_bytes', {sent: bytes(now.sent), total: bytes(now.total)});
    }
    if (now.lost) {
        return t('card_lost', {n: now.lost});
    }
    return now.asking ? t('card_asking', {n: now.asking}) : t('card_paused');
}
