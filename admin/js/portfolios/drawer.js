// The basket, beside any page: what is in it, and into which portfolio it goes.

import {api} from '../core/api.js';
import {basket} from '../core/basket.js';
import {openDialog} from '../core/dialog.js';
import {h, icon, page, url} from '../core/dom.js';
import {nameOf} from '../core/paths.js';
import {loadStyle} from '../core/style.js';
import {loadTexts, t} from '../core/texts.js';
import {thumb} from '../core/thumb.js';
import {toast} from '../core/toast.js';
import {addImages, createPortfolio, told} from './fill.js';

const OFFERED = 200; // portfolios to choose from: those changed last

let opened = null;

// Show the basket; one at a time.
export function openDrawer() {
    opened ??= show().finally(() => {
        opened = null;
    });
    return opened;
}

async function show() {
    await Promise.all([loadTexts('basket'), loadStyle('basket')]);
    const own = page.may('folios') ? await portfolios() : [];
    const list = h('ul', {class: 'basket-list'});
    const target = chooser(own);
    const body = h('div', {class: 'stack'}, list, page.may('folios') ? target.element : h('p', {class: 'muted'}, t('basket_no_right')));
    const buttons = {};
    const dialog = openDialog({
        title: t('basket_title'),
        className: 'drawer basket',
        body,
        actions: page.may('folios') ? [{label: t('basket_clear'), value: 'clear'}, {label: t('basket_put'), value: 'put', kind: 'primary'}] : [],
        onSubmit: value => (value === 'clear' ? clear() : put(target.value)),
    });
    for (const button of body.closest('dialog').querySelectorAll('.dialog-actions button')) {
        buttons[button.textContent] = button;
    }
    const end = basket.on(items => {
        draw(list, items);
        for (const button of Object.values(buttons)) {
            button.disabled = !items.length;
        }
        target.element.hidden = !items.length;
    });
    const outcome = await dialog;
    end();
    outcome?.tell(); // only now: a toast belongs to the page, not to a dialog that goes
}

async function portfolios() {
    const {items} = await api.page('portfolios/', {owned: 'true', sort: '-last_updated', limit: OFFERED});
    return items;
}

function chooser(own) {
    const select = h(
        'select',
        {id: 'basket-target'},
        ...own.map(one => h('option', {value: one.id}, one.name.trim() || one.human_id)),
        h('option', {value: ''}, t('basket_new')),
    );
    return {
        element: h('div', {class: 'field'}, h('label', {for: select.id}, t('basket_target')), select),
        get value() {
            return own.find(one => String(one.id) === select.value) ?? null;
        },
    };
}

function draw(list, items) {
    if (!items.length) {
        list.replaceChildren(h('li', {class: 'empty'}, icon('basket'), h('p', {}, t('basket_empty')), h('p', {class: 'muted'}, t('basket_how'))));
        return;
    }
    list.replaceChildren(
        ...items.map(image => {
            const name = nameOf(image.src);
            return h(
                'li',
                {class: 'basket-item'},
                thumb(image.src, 64),
                h('a', {href: url('details/', {src: `/${image.src}`})}, image.title || name),
                h(
                    'button',
                    {
                        type: 'button',
                        class: 'button quiet icon-only',
                        'aria-label': t('basket_remove', {name}),
                        on: {click: () => basket.remove([image.src])},
                    },
                    icon('close'),
                ),
            );
        }),
    );
}

// Empty it, with a way back.
function clear() {
    const before = basket.items();
    basket.clear();
    return {
        tell: () => toast(t('basket_cleared'), {kind: 'info', action: {label: t('undo'), run: () => basket.set(before)}}),
    };
}

async function put(chosen) {
    const portfolio = chosen ?? (await createPortfolio());
    if (!portfolio) {
        return false;
    }
    const sum = await addImages(portfolio.id, basket.items());
    if (!sum.faults.length) {
        basket.clear();
    }
    const place = url(`portfolios/${encodeURIComponent(portfolio.human_id)}/edit/`);
    if (!chosen && !sum.faults.length) {
        return {tell: () => location.assign(place)}; // there is more to say about a new one, and its link to send
    }
    const action = {label: t('basket_open'), href: place};
    const kind = sum.faults.length ? 'bad' : 'good';
    window.dispatchEvent(new CustomEvent('qisd-portfolio', {detail: {id: portfolio.id}}));
    return {tell: () => toast(told(sum), {kind, action, seconds: sum.faults.length ? 0 : 10})};
}
