// Folders by groups: a tree on the left, a column for each group. Cells are changed in place; arrows go from one to the
// next; what is changed waits until it is applied.

import {ApiError, api} from '../core/api.js';
import {$$, h, icon} from '../core/dom.js';
import {nameOf} from '../core/paths.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {LEVELS, above, isFixed, levelName} from './levels.js';

export class Matrix {
    // `settings`: what is set where. `onSelect(path, group)`: a cell has the focus. `onChange()`: something was changed.
    constructor(container, settings, {onSelect, onChange}) {
        this.container = container;
        this.settings = settings;
        this.onSelect = onSelect;
        this.onChange = onChange;
        this.groups = [];
        this.folders = new Map(); // path -> {path, below, viewer, children: [paths]|null, open}
        this.viewer = null;
        this.chosen = {path: '/', group: 1};
    }

    // Shows the folder at `path`, with all above it open.
    async show(path, group) {
        const known = await this.load(path);
        for (let folder = above(known); folder !== null; folder = above(folder)) {
            await this.open(folder, {quiet: true});
        }
        this.folders.get(known).open = true;
        this.chosen = {path: known, group: this.groups.some(one => one.id === group) ? group : 1};
        this.draw();
        this.focusCell(known, this.chosen.group);
    }

    // Shows what a user may, in a column more; null takes it away.
    async viewAs(user) {
        this.viewer = user;
        const loaded = [...this.folders.values()].filter(one => one.children);
        for (const folder of loaded) {
            await this.load(folder.path);
        }
        this.draw();
    }

    async reload() {
        for (const folder of [...this.folders.values()].filter(one => one.children)) {
            await this.load(folder.path);
        }
        this.draw();
    }

    async load(path) {
        const found = await api.get('admin/permissions/matrix/', {path, user_id: this.viewer?.id});
        this.groups = found.groups;
        for (const folder of [...found.above, found.folder, ...found.children]) {
            this.learn(folder);
        }
        this.folders.get(found.folder.path).children = found.children.map(child => child.path);
        return found.folder.path;
    }

    learn(folder) {
        this.settings.learn(folder);
        const known = this.folders.get(folder.path);
        this.folders.set(folder.path, {children: null, open: false, ...known, ...folder});
    }

    async open(path, {quiet} = {}) {
        const folder = this.folders.get(path);
        if (!folder.children) {
            await this.load(path);
        }
        this.folders.get(path).open = true;
        if (!quiet) {
            this.draw();
        }
    }

    // Drawing

    rows() {
        const found = [];
        const walk = (path, depth) => {
            const folder = this.folders.get(path);
            found.push({folder, depth});
            if (folder.open) {
                (folder.children ?? []).forEach(child => walk(child, depth + 1));
            }
        };
        walk('/', 0);
        return found;
    }

    draw() {
        const focused = this.container.contains(document.activeElement) ? document.activeElement.dataset : {};
        const table = h('table', {class: 'permission-table', role: 'treegrid', 'aria-label': t('permissions'), on: {
            keydown: event => this.steer(event), click: event => this.click(event), focusin: event => this.focused(event),
        }}, this.head(), h('tbody', null, this.rows().map(({folder, depth}) => this.row(folder, depth))));
        this.container.replaceChildren(table);
        if (focused.path) {
            this.find(focused.path, focused.group)?.focus({preventScroll: true});
        }
    }

    head() {
        return h('thead', null, h('tr', {role: 'row'},
            h('th', {scope: 'col'}, t('folder')),
            this.viewer && h('th', {scope: 'col', class: 'viewer'}, t('viewer_column', {name: this.viewer.username})),
            this.groups.map(group => h('th', {scope: 'col', title: group.id === 1 ? t('everybody') : t('members_n', {n: group.members})},
                group.name))));
    }

    row(folder, depth) {
        const {path} = folder;
        const leaf = folder.children?.length === 0;
        const expander = h('button', {type: 'button', class: 'expander', tabindex: -1, disabled: leaf, dataset: {expand: path},
            'aria-label': t(folder.open ? 'collapse' : 'expand', {path}), title: leaf ? t('no_folders') : null},
        icon(folder.open && !leaf ? 'down' : 'right'));
        return h('tr', {role: 'row', 'aria-level': depth + 1, 'aria-expanded': leaf ? null : String(folder.open), dataset: {row: path}},
            h('th', {scope: 'row', class: 'folder', style: {'--depth': depth}}, h('span', {class: 'folder-name'}, expander,
                h('span', {title: path}, nameOf(path) || '/'),
                folder.below && !folder.open && h('span', {class: 'dot', title: t('differs_below')},
                    h('span', {class: 'visually-hidden'}, t('differs_below'))))),
            this.viewer && h('td', {role: 'gridcell', class: 'viewer'}, levelName(folder.viewer ?? 0)),
            this.groups.map(group => h('td', {role: 'gridcell'}, this.cell(folder, group))));
    }

    cell(folder, group) {
        const {path} = folder;
        const {level, from} = this.settings.inForce(path, group.id);
        const own = this.settings.ownLevel(path, group.id) !== null;
        const changed = this.settings.isChanged(path, group.id);
        const chosen = this.chosen.path === path && this.chosen.group === group.id;
        const words = group.bypass ? t('all') : level === null ? t('absent') : levelName(level);
        const how = group.bypass ? t('how_bypass') : own ? t('how_own') : from ? t('how_inherited', {from}) : t('how_absent');
        const label = t('cell', {group: group.name, path, level: group.bypass || level === null ? words : levelName(level), how});
        return h('button', {
            type: 'button', dataset: {path, group: group.id}, tabindex: chosen ? 0 : -1,
            class: ['cell', own ? 'own' : 'inherited', level === 0 && 'closed', changed && 'changed', group.bypass && 'bypass'],
            'aria-label': changed ? `${label}, ${t('changed')}` : label,
        }, words);
    }

    find(path, group) {
        return $$('button.cell', this.container).find(one => one.dataset.path === path && one.dataset.group === String(group));
    }

    focusCell(path, group) {
        enter(this.find(path, group));
    }

    // Working

    focused(event) {
        const {path, group} = event.target.dataset;
        if (path && event.target.classList.contains('cell')) {
            for (const cell of $$('button.cell[tabindex="0"]', this.container)) {
                cell.tabIndex = -1;
            }
            event.target.tabIndex = 0;
            this.chosen = {path, group: Number(group)};
            this.onSelect(path, this.groupOf(Number(group)));
        }
    }

    groupOf(id) {
        return this.groups.find(one => one.id === id);
    }

    async click(event) {
        const expander = event.target.closest('[data-expand]');
        if (expander) {
            await this.toggle(expander.dataset.expand);
            $$('[data-expand]', this.container).find(one => one.dataset.expand === expander.dataset.expand)?.focus();
            return;
        }
        const cell = event.target.closest('button.cell');
        if (cell) {
            this.edit(cell);
        }
    }

    async toggle(path) {
        const folder = this.folders.get(path);
        try {
            if (folder.open) {
                folder.open = false;
                this.draw();
            } else {
                await this.open(path);
            }
        } catch (error) {
            if (!(error instanceof ApiError)) {
                throw error;
            }
            toast(error.message, {kind: 'bad'});
        }
    }

    // Puts a choice in place of a cell; it goes with the focus.
    edit(cell) {
        const {path} = cell.dataset;
        const group = this.groupOf(Number(cell.dataset.group));
        if (group.bypass) {
            return;
        }
        const choice = levelChoice(this.settings, path, group, access => {
            this.change(path, group.id, access);
        });
        choice.classList.add('in-place');
        cell.replaceWith(choice);
        choice.focus();
        const back = () => {
            if (choice.isConnected) {
                this.draw();
            }
        };
        choice.addEventListener('blur', back);
        choice.addEventListener('keydown', event => {
            if (event.key === 'Escape' || event.key === 'Enter') {
                event.preventDefault();
                event.stopPropagation();
                back();
                this.focusCell(path, group.id);
            }
        });
        try {
            choice.showPicker?.();
        } catch {
            // only after a click of the person itself
        }
    }

    change(path, groupId, access) {
        this.settings.set(path, groupId, access);
        this.draw();
        this.focusCell(path, groupId);
        this.onChange();
    }

    steer(event) {
        const cell = event.target.closest('button.cell');
        if (!cell) {
            return;
        }
        const rows = $$('tbody tr', this.container);
        const row = cell.closest('tr');
        const place = $$('button.cell', row).indexOf(cell);
        const to = {
            ArrowUp: () => at(rows[rows.indexOf(row) - 1], place),
            ArrowDown: () => at(rows[rows.indexOf(row) + 1], place),
            ArrowLeft: () => at(row, place - 1),
            ArrowRight: () => at(row, place + 1),
            Home: () => at(row, 0),
            End: () => $$('button.cell', row).at(-1),
        }[event.key];
        if (to) {
            event.preventDefault();
            enter(to());
        } else if (event.key === '+' || event.key === '-') {
            const folder = this.folders.get(row.dataset.row);
            if (folder.open === (event.key === '-')) {
                event.preventDefault();
                this.toggle(folder.path);
            }
        } else if (event.key === 'Delete' && !isFixed(cell.dataset.path, Number(cell.dataset.group))) {
            event.preventDefault();
            this.change(cell.dataset.path, Number(cell.dataset.group), null);
        }
    }
}

function at(row, place) {
    return row && place >= 0 ? $$('button.cell', row)[place] : null;
}

// A choice of the level of a group in a folder, with what it would inherit.
export function levelChoice(settings, path, group, choose) {
    const own = settings.ownLevel(path, group.id);
    const inherited = settings.inherited(path, group.id);
    const inherit = inherited.level === null ? t('inherit_nothing') : t('inherit', {level: levelName(inherited.level)});
    return h('select', {
        'aria-label': t('set_level', {group: group.name, path}),
        on: {change: event => choose(event.target.value === '' ? null : Number(event.target.value))},
    },
    !isFixed(path, group.id) && h('option', {value: '', selected: own === null}, inherit),
    LEVELS.map(level => h('option', {value: level, selected: own === level}, levelName(level))));
}

// Gives a cell the focus, and shows the whole of it: Firefox by itself leaves one as it is of which a part can be seen.
function enter(cell) {
    cell?.focus({preventScroll: true});
    cell?.scrollIntoView({block: 'nearest', inline: 'nearest'});
}
