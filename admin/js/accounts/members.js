// Who is in a group and who isn't: two lists side by side, one call for many, and an undo.

import {api} from '../core/api.js';
import {$$, h} from '../core/dom.js';
import {number} from '../core/format.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {attempt, fullName} from './user_deeds.js';

const PUBLIC = 1;
const NORMAL_USERS = 2;
const AT_ONCE = 200;
const TYPING = 200;

export async function membersCard(group) {
    const head = h('h2', {id: 'members-head'}, t('members'));
    if (group.id === PUBLIC) {
        return h('section', {class: 'card stack', 'aria-labelledby': 'members-head'}, head, h('p', null, t('members_public')));
    }
    let members = group.users;
    const inside = new Side({name: 'in', title: t('members_in'), none: t('members_none_in'), deed: n => (n ? t('members_take_out', {n}) : t('members_take_out_none')),
        run: ids => change([], ids), locked: group.id === NORMAL_USERS && t('members_locked')});
    const outside = new Side({name: 'out', title: t('members_out'), none: t('members_none_out'), deed: n => (n ? t('members_put_in', {n}) : t('members_put_in_none')),
        run: ids => change(ids, [])});

    async function change(add, remove) {
        await attempt(() => call(add, remove), async () => {
            await refresh();
            const key = add.length ? 'members_added' : 'members_removed';
            toast(t(key, {n: add.length || remove.length}), {
                action: {label: t('undo'), run: () => attempt(() => call(remove, add), async () => {
                    await refresh();
                    toast(t('members_undone'));
                })},
            });
        });
    }

    async function call(add, remove) {
        const changed = await api.post(`admin/groups/${group.id}/members/change/`,
            {add: JSON.stringify(add), remove: JSON.stringify(remove)});
        members = changed.users;
    }

    let asked = 0;

    async function refresh() {
        const turn = ++asked;
        inside.show(members.filter(user => matches(user, inside.q)));
        const known = new Set(members.map(user => user.id));
        const found = [];
        let more = false;
        for (let start = 0; found.length < AT_ONCE; start += AT_ONCE) {
            const {items, total} = await api.page('admin/users/', {q: outside.q, start, limit: AT_ONCE});
            found.push(...items.filter(user => !known.has(user.id)));
            more = start + items.length < total;
            if (!more) {
                break;
            }
        }
        if (turn === asked) {
            outside.show(found, more && t('members_more'));
        }
    }

    inside.onSearch = outside.onSearch = refresh;
    await refresh();
    return h('section', {class: 'card stack', 'aria-labelledby': 'members-head'}, head,
        h('div', {class: 'member-sides'}, inside.element, outside.element));
}

function matches(user, q) {
    return `${user.username} ${fullName(user)} ${user.email}`.toLowerCase().includes(q.toLowerCase());
}

// One of the two lists: a search, check boxes, and a button for those that are ticked.
class Side {
    constructor({name, title, none, deed, run, locked}) {
        this.none = none;
        this.deed = deed;
        this.q = '';
        this.onSearch = () => {};
        this.last = null;
        this.locked = locked;
        let timer;
        this.list = h('ul', {class: 'plain member-list', 'aria-label': title, on: {
            change: () => this.count(), click: event => this.range(event), keydown: event => this.steer(event),
        }});
        this.all = h('input', {type: 'checkbox', disabled: Boolean(locked), on: {change: () => {
            for (const box of this.boxes()) {
                box.checked = this.all.checked;
            }
            this.count();
        }}});
        this.button = h('button', {type: 'button', class: 'button', disabled: true,
            on: {click: () => run(this.boxes().filter(box => box.checked).map(box => Number(box.value)))}}, deed(0));
        this.size = h('span', {class: 'muted', role: 'status'});
        this.note = h('p', {class: 'hint'}, locked || '');
        this.element = h('div', {class: 'stack', role: 'group', 'aria-labelledby': `side-${name}`},
            h('h3', {id: `side-${name}`}, title, ' ', this.size),
            h('input', {type: 'search', 'aria-label': `${t('members_search')}: ${title}`, placeholder: t('members_search'), on: {input: event => {
                clearTimeout(timer);
                timer = setTimeout(() => {
                    this.q = event.target.value.trim();
                    this.onSearch();
                }, TYPING);
            }}}),
            this.list, this.note,
            h('div', {class: 'row'}, h('label', {class: 'check grow'}, this.all, ' ', t('members_all')), this.button));
    }

    boxes() {
        return $$('input', this.list);
    }

    show(users, note) {
        this.last = null;
        this.all.checked = false;
        this.size.textContent = number(users.length);
        this.note.textContent = note || this.locked || '';
        this.list.replaceChildren(...(users.length ? users.map(user => this.row(user)) : [h('li', {class: 'muted'}, this.none)]));
        this.count();
    }

    row(user) {
        const name = fullName(user);
        return h('li', null, h('label', {class: ['check', !user.status && 'gone']},
            h('input', {type: 'checkbox', value: user.id, disabled: Boolean(this.locked)}),
            h('span', null, user.username, name && h('span', {class: 'muted'}, ` ${name}`))));
    }

    count() {
        const n = this.boxes().filter(box => box.checked).length;
        this.button.disabled = n === 0;
        this.button.textContent = this.deed(n);
    }

    // With Shift, all from the last one to this one.
    range(event) {
        if (event.target.tagName !== 'INPUT') {
            return;
        }
        const boxes = this.boxes();
        const here = boxes.indexOf(event.target);
        if (event.shiftKey && this.last !== null) {
            const [from, to] = [Math.min(here, this.last), Math.max(here, this.last)];
            for (const box of boxes.slice(from, to + 1)) {
                box.checked = event.target.checked;
            }
            this.count();
        }
        this.last = here;
    }

    steer(event) {
        const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
        if (step) {
            const boxes = this.boxes();
            event.preventDefault();
            boxes[boxes.indexOf(document.activeElement) + step]?.focus();
        }
    }
}
