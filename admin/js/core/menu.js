// Menus at buttons, by the keyboard as well: arrows, Home, End, letters, Escape.

import {h, icon} from './dom.js';

let open = null;

// Makes `button` open a menu. `items`: a list, or a function that gives one (a promise too) when it opens:
// {label, icon, run, href, disabled, why, danger, checked}, or null for a line between.
export function menuButton(button, items) {
    button.setAttribute('aria-haspopup', 'menu');
    button.setAttribute('aria-expanded', 'false');
    button.addEventListener('click', event => {
        event.preventDefault();
        show(button, items);
    });
    button.addEventListener('keydown', event => {
        if (event.key === 'ArrowDown') {
            event.preventDefault();
            show(button, items);
        }
    });
    return button;
}

async function show(button, items) {
    if (open?.button === button) {
        close();
        return;
    }
    const list = await (typeof items === 'function' ? items() : items);
    close(); // also one that was opened while these were on their way
    const menu = h('ul', {class: 'popup-menu', role: 'menu'}, list.map(entryOf));
    (button.closest('dialog, header, main') ?? document.body).append(menu);
    open = {button, menu};
    button.setAttribute('aria-expanded', 'true');
    place(menu, button.getBoundingClientRect());
    menu.addEventListener('keydown', steer);
    document.addEventListener('pointerdown', outside, true);
    window.addEventListener('resize', close);
    entries(menu)[0]?.focus();
}

function entryOf(item) {
    if (item === null) {
        return h('li', {role: 'separator'});
    }
    const parts = [item.icon && icon(item.icon), h('span', null, item.label)];
    const common = {
        role: item.checked === undefined ? 'menuitem' : 'menuitemradio',
        'aria-checked': item.checked === undefined ? null : String(item.checked),
        tabindex: -1, class: item.danger ? 'danger' : null, title: item.disabled ? item.why : null,
    };
    if (item.href && !item.disabled) {
        return h('li', {role: 'none'}, h('a', {...common, href: item.href, on: {click: close}}, parts));
    }
    return h('li', {role: 'none'}, h('button', {
        ...common,
        type: 'button',
        'aria-disabled': item.disabled ? 'true' : null,
        on: {click: () => {
            if (!item.disabled) {
                const back = open?.button;
                close();
                back?.focus();
                item.run();
            }
        }},
    }, parts, item.disabled && item.why && h('small', null, item.why)));
}

function entries(menu) {
    return [...menu.querySelectorAll('[role^="menuitem"]')];
}

function steer(event) {
    const all = entries(open.menu);
    const here = all.indexOf(document.activeElement);
    const to = {ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: all.length - 1}[event.key];
    if (to !== undefined) {
        event.preventDefault();
        all.at(to % all.length)?.focus();
    } else if (event.key === 'Escape' || event.key === 'Tab') {
        event.preventDefault();
        event.stopPropagation();
        const back = open.button;
        close();
        back.focus();
    } else if (event.key.length === 1 && event.key !== ' ') {
        const letter = event.key.toLowerCase();
        [...all.slice(here + 1), ...all].find(one => one.textContent.trim().toLowerCase().startsWith(letter))?.focus();
    }
}

function outside(event) {
    if (open && !open.menu.contains(event.target) && !open.button.contains(event.target)) {
        close();
    }
}

function close() {
    if (open) {
        open.menu.remove();
        open.button.setAttribute('aria-expanded', 'false');
        open = null;
        document.removeEventListener('pointerdown', outside, true);
        window.removeEventListener('resize', close);
    }
}

function place(menu, box) {
    const {width, height} = menu.getBoundingClientRect();
    const room = 8;
    let left = Math.min(box.left, window.innerWidth - width - room);
    let top = box.bottom + 4;
    if (top + height > window.innerHeight - room && box.top - height - 4 > room) {
        top = box.top - height - 4;
    }
    left = Math.max(room, left);
    menu.style.left = `${left}px`;
    menu.style.top = `${Math.max(room, top)}px`;
}
