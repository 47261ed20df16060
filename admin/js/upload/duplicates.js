// Questions about files that are there already: the one that is there and the new one side by side, and what to do.

import {openDialog} from '../core/dialog.js';
import {h} from '../core/dom.js';
import {bytes, dateTime} from '../core/format.js';
import {t} from '../core/texts.js';
import {thumb} from '../core/thumb.js';
import {questionOf, queue} from './queue.js';
import {previewOf} from './preview.js';

let asking = false;

// Ask about everything that waits for an answer, one after the other, until somebody closes a question.
export async function askAll() {
    if (asking) {
        return;
    }
    asking = true;
    try {
        for (let item = next(); item; item = next()) {
            if (!(await ask(item))) {
                break;
            }
        }
    } finally {
        asking = false;
    }
}

function next() {
    return queue.items.find(item => item.state === 'asking');
}

async function ask(item) {
    const kind = questionOf(item);
    const others = queue.items.filter(one => one.state === 'asking' && questionOf(one) === kind).length - 1;
    const all = h('input', {type: 'checkbox', name: 'all'});
    const body = h(
        'div',
        {class: 'upload-question stack'},
        h('p', {}, t(kind === 'taken' ? 'ask_taken' : 'ask_same', {name: item.name, folder: item.folder})),
        h('div', {class: 'upload-pair'}, ...(await sides(item, kind))),
        others > 0 ? h('label', {class: 'row'}, all, t('ask_all', {n: others})) : null,
    );
    const choice = await openDialog({
        title: t(kind === 'taken' ? 'ask_taken_title' : 'ask_same_title'),
        body,
        actions: kind === 'taken' ? ACTIONS_TAKEN() : ACTIONS_SAME(),
    });
    if (choice) {
        queue.answer(item.id, choice, {all: all.checked});
    }
    return Boolean(choice);
}

const ACTIONS_TAKEN = () => [
    {label: t('skip'), value: 'skip', kind: ''},
    {label: t('keep_both'), value: 'rename', kind: 'primary'},
    {label: t('replace'), value: 'yes', kind: 'danger'},
];

const ACTIONS_SAME = () => [
    {label: t('upload_anyway'), value: 'yes', kind: ''},
    {label: t('skip'), value: 'skip', kind: 'primary'},
];

async function sides(item, kind) {
    const there = kind === 'taken' ? item.taken : item.same[0];
    return [
        side(t('side_there'), picture(there), [
            `/${there.src ?? ''}`,
            there.width ? t('pixels', {width: there.width, height: there.height}) : '',
            there.filesize ? bytes(there.filesize) : '',
            there.modified ? dateTime(there.modified) : '',
            kind === 'same' && item.same.length > 1 ? t('same_more', {n: item.same.length - 1}) : '',
        ]),
        side(t('side_new'), await previewOf(item), [item.name, bytes(item.size), dateTime(new Date(item.modified))]),
    ];
}

function side(title, image, facts) {
    const lines = facts.filter(Boolean).map(fact => h('li', {}, fact));
    return h('figure', {class: 'upload-side'}, image, h('figcaption', {}, h('strong', {}, title), h('ul', {}, ...lines)));
}

function picture(there) {
    if (!there.src) {
        return h('span', {class: 'upload-blank'});
    }
    return thumb(there.src, 200);
}
