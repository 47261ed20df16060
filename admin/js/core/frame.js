// What all pages do: menus, drawer, theme, the search field's key, copy and show buttons, times in the zone of whoever
// looks, and what the server refuses where nothing else tells it.

import {$, $$, page} from './dom.js';
import {copyButton} from './copy.js';
import {time} from './format.js';
import {keys} from './keys.js';
import {t} from './texts.js';
import {toast} from './toast.js';

const DISMISSED = 'qis_dismissed';
const NOTES_MOST = 20;

menus();
drawer();
appearance();
search();
basket();
notes();
embedded();
fields();
times();
refusals();

function menus() {
    const all = $$('details.menu');
    document.addEventListener('click', event => {
        for (const menu of all) {
            if (menu.open && !menu.contains(event.target)) {
                menu.open = false;
            }
        }
    });
    for (const menu of all) {
        menu.addEventListener('keydown', event => steer(menu, event));
        menu.addEventListener('toggle', () => {
            if (menu.open) {
                all.filter(other => other !== menu && !other.contains(menu)).forEach(other => {
                    other.open = false;
                });
            }
        });
    }
}

function steer(menu, event) {
    const entries = $$('li a, li button', menu);
    const here = entries.indexOf(document.activeElement);
    if (event.key === 'Escape' && menu.open) {
        menu.open = false;
        $('summary', menu).focus();
        event.stopPropagation();
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        event.preventDefault();
        menu.open = true;
        const step = event.key === 'ArrowDown' ? 1 : -1;
        entries.at((here < 0 && step < 0 ? 0 : here + step) % entries.length)?.focus();
    }
}

function drawer() {
    const button = $('.drawer-button');
    if (!button) {
        return;
    }
    const show = open => {
        document.documentElement.classList.toggle('drawer-open', open);
        button.setAttribute('aria-expanded', String(open));
    };
    button.addEventListener('click', () => show(button.getAttribute('aria-expanded') !== 'true'));
    document.addEventListener('keydown', event => {
        if (event.key === 'Escape' && button.getAttribute('aria-expanded') === 'true') {
            show(false);
            button.focus();
        }
    });
    document.addEventListener('click', event => {
        if (!event.target.closest('.top')) {
            show(false);
        }
    });
}

// Theme and language are remembered as the forms do it; the theme changes at once.
function appearance() {
    for (const form of $$('form[data-appearance]')) {
        form.addEventListener('submit', event => {
            const {name, value} = event.submitter ?? {};
            if (name !== 'theme') {
                return;
            }
            event.preventDefault();
            if (value === 'system') {
                delete document.documentElement.dataset.theme;
            } else {
                document.documentElement.dataset.theme = value;
            }
            for (const button of $$('button[name="theme"]', form)) {
                button.setAttribute('aria-pressed', String(button.value === value));
            }
            keep('qis_theme', value);
        });
    }
}

function search() {
    const field = $('.searchbox input');
    if (field) {
        keys({'/': {
            run() {
                field.focus();
                field.select();
            },
            text: t('key_search'),
        }});
    }
}

function basket() {
    $('#basket')?.addEventListener('click', event => {
        if (page.drawer && !event.ctrlKey && !event.metaKey) {
            event.preventDefault();
            import('../portfolios/drawer.js').then(drawer => drawer.openDrawer());
        }
    });
}

// Notes that can be dismissed: the server leaves them out from then on, but for other accounts and browsers.
function notes() {
    for (const button of $$('[data-dismiss]')) {
        button.addEventListener('click', () => {
            const note = button.closest('[data-note]');
            const over = cookie(DISMISSED).split('.').filter(Boolean);
            keep(DISMISSED, [...over, `${page.user.id}-${note.dataset.note}`].slice(-NOTES_MOST).join('.'));
            note.remove();
            $('#main').focus({preventScroll: true});
        });
    }
}

// A page in a frame or dialog of ours is closed by the one around it; one that stands alone goes back.
function embedded() {
    for (const button of $$('[data-close]')) {
        button.addEventListener('click', () => {
            if (window.parent !== window) {
                window.parent.postMessage({type: 'qis-close'}, location.origin);
            } else if (window.opener) {
                window.close();
            } else {
                history.back();
            }
        });
    }
}

function fields() {
    for (const button of $$('button[data-show]')) {
        const field = document.getElementById(button.dataset.show);
        button.hidden = false;
        button.addEventListener('click', () => {
            const shown = field.type === 'text';
            field.type = shown ? 'password' : 'text';
            button.setAttribute('aria-pressed', String(!shown));
            field.focus();
        });
    }
    for (const place of $$('[data-copy]')) {
        const source = document.getElementById(place.dataset.copy);
        if (source) {
            place.append(copyButton(() => source.textContent, {source}));
        }
    }
}

function times() {
    for (const element of $$('time[datetime]')) {
        const better = time(element.dateTime);
        element.textContent = better.textContent;
        element.title = better.title;
    }
}

// What the API refuses, and no part of the page has anything better to say about.
function refusals() {
    window.addEventListener('unhandledrejection', event => {
        if (event.reason?.name === 'ApiError') {
            event.preventDefault();
            toast(event.reason.message, {kind: 'bad'});
        }
    });
}

// A cookie that the server reads as it makes the next page.
function keep(name, value) {
    const path = page.root.replace(/(?<=.)\/$/, '');
    document.cookie = `${name}=${value}; Path=${path}; Max-Age=31536000; SameSite=Lax`;
}

function cookie(name) {
    return document.cookie.split('; ').find(one => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
}
