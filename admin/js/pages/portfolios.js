// The list of portfolios: one's own and those of others that one may see, or everybody's.

import {api} from '../core/api.js';
import {copyButton} from '../core/copy.js';
import {confirmDeed} from '../core/dialog.js';
import {$, h, icon, page, url} from '../core/dom.js';
import {time} from '../core/format.js';
import {keys} from '../core/keys.js';
import {urlState} from '../core/state.js';
import {loadStyle} from '../core/style.js';
import {loadTexts, t} from '../core/texts.js';
import {thumb} from '../core/thumb.js';
import {toast} from '../core/toast.js';
import {accessText} from '../portfolios/access.js';
import {openDrawer} from '../portfolios/drawer.js';
import {createPortfolio} from '../portfolios/fill.js';

const PART = 50;
const PAUSE = 250;

await Promise.all([loadTexts('basket'), loadStyle('basket')]);

class List {
    #shown = 0;
    #asked = 0;

    constructor() {
        const {q = '', whose = '', sort = 'name'} = urlState.get();
        this.search = $('#folio-search');
        this.whose = $('#folio-whose');
        this.sort = $('#folio-sort');
        this.search.value = q;
        this.sort.value = sort;
        if (this.whose) {
            this.whose.value = whose;
        }
        let timer = null;
        this.search.addEventListener('input', () => {
            clearTimeout(timer);
            timer = setTimeout(() => this.begin(), PAUSE);
        });
        this.sort.addEventListener('change', () => this.begin());
        this.whose?.addEventListener('change', () => this.begin());
        $('#folio-more').addEventListener('click', () => this.more());
        $('#new-portfolio')?.addEventListener('click', () => create());
        this.begin();
    }

    // From the start, with what is asked for now.
    async begin() {
        urlState.set({q: this.search.value.trim(), whose: this.whose?.value, sort: this.sort.value === 'name' ? '' : this.sort.value});
        this.#shown = 0;
        await this.more();
    }

    async more() {
        const asked = ++this.#asked;
        const start = this.#shown;
        const query = {summary: 'true', q: this.search.value.trim(), sort: this.sort.value, start, limit: PART};
        if (this.whose?.value === 'own') {
            query.owned = 'true';
        }
        const {items, total} = await api.page('portfolios/', query);
        if (asked !== this.#asked) {
            return;
        }
        const list = $('#folio-list');
        list.removeAttribute('aria-busy');
        if (!start) {
            list.replaceChildren();
        }
        list.append(...items.map(row));
        this.#shown = start + items.length;
        $('#folio-more').hidden = this.#shown >= total;
        $('#folio-count').textContent = total ? t('count', {n: total}) : '';
        if (!total) {
            list.append(this.#none());
        }
    }

    #none() {
        const searched = this.search.value.trim();
        const words = searched ? t('none_found') : t('none');
        const button = page.data.can_make && !searched ? h('button', {type: 'button', class: 'button primary', on: {click: create}}, t('new_portfolio')) : null;
        return h('li', {class: 'empty'}, icon('portfolio'), h('p', {}, words), searched ? null : h('p', {class: 'muted'}, t('none_how')), button);
    }
}

function owned(portfolio) {
    return portfolio.owner_id === page.data.user_id || page.may('admin_folios');
}

function row(portfolio) {
    const name = portfolio.name.trim() || portfolio.human_id;
    const address = place(portfolio);
    const mine = owned(portfolio);
    const ready = portfolio.downloads.filter(one => one.state === 'ready').length;
    const element = h(
        'li',
        {class: 'folio-row card', dataset: {id: portfolio.id}},
        h('a', {class: 'folio-cover', href: mine ? `${address}edit/` : address, tabindex: -1, 'aria-hidden': 'true'}, cover(portfolio)),
        h(
            'div',
            {class: 'folio-about'},
            h('a', {class: 'folio-name', href: mine ? `${address}edit/` : address}, name),
            portfolio.description ? h('p', {class: 'folio-text muted'}, portfolio.description) : null,
            h(
                'p',
                {class: 'folio-facts muted'},
                h('span', {}, t('images_n', {n: portfolio.image_count})),
                h('span', {}, accessText(portfolio)),
                ready ? h('span', {}, t('zips_n', {n: ready})) : null,
                portfolio.owner_name ? h('span', {}, t('owner', {name: portfolio.owner_name})) : null,
                h('span', {}, t('changed'), ' ', time(portfolio.last_updated, 'relative')),
            ),
        ),
        h(
            'div',
            {class: 'folio-deeds'},
            link(address, 'view', name, 'view'),
            mine ? link(`${address}edit/`, 'edit', name, 'edit') : null,
            mine ? link(`${address}publish/`, 'zip', name, 'publish') : null,
            copyButton(() => portfolio.url, {label: t('copy_address', {name})}),
            mine ? removal(portfolio, name) : null,
        ),
    );
    return element;
}

function cover({cover: src}) {
    return src ? thumb(src, 200) : icon('portfolio');
}

function link(href, sign, name, deed) {
    const label = t(`${deed}_of`, {name});
    return h('a', {class: 'button quiet icon-only', href, 'aria-label': label, title: t(deed)}, icon(sign));
}

function removal(portfolio, name) {
    const run = async () => {
        const text = t('delete_text', {name, n: portfolio.image_count, zips: portfolio.downloads.length});
        if (await confirmDeed({title: t('delete_title'), text, deed: t('delete'), type: name, count: portfolio.image_count})) {
            await api.delete(`portfolios/${portfolio.id}/`);
            toast(t('deleted', {name}), {kind: 'good'});
            await list.begin();
            $('#folio-search').focus();
        }
    };
    return h('button', {type: 'button', class: 'button quiet icon-only', 'aria-label': t('delete_of', {name}), title: t('delete'), on: {click: run}}, icon('trash'));
}

function place(portfolio) {
    return url(`portfolios/${encodeURIComponent(portfolio.human_id)}/`);
}

async function create() {
    const made = await createPortfolio();
    if (made) {
        location.assign(`${place(made)}edit/`);
    }
}

const list = new List();
if (page.data.can_make) {
    keys({n: {run: create, text: t('new_portfolio')}});
}
window.addEventListener('qisd-portfolio', () => list.begin());
if (page.data.basket) {
    openDrawer();
}
