// What the page does when the server can't be reached, or when the session has ended while somebody works.

import {$, h, icon, page} from './dom.js';
import {openDialog} from './dialog.js';
import {t} from './texts.js';

// --- The server is away

const FIRST_PAUSE = 2;
const LONGEST_PAUSE = 60;

let banner = null;
let pause = FIRST_PAUSE;
let waiting = null; // for the next try; the same for all calls

// Tell that a call came to nothing, and wait until it is time to try it again.
export function tellTrouble(status, {signal, after = 0, quiet = false} = {}) {
    waiting ??= wait(status, after, quiet);
    return abortable(waiting, signal);
}

tellTrouble.over = () => {
    pause = FIRST_PAUSE;
    banner?.remove();
    banner = null;
};

async function wait(status, after, quiet) {
    const seconds = Math.max(after, pause);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
    if (!quiet) {
        show(status);
    }
    await new Promise(resolve => {
        const timer = setTimeout(done, seconds * 1000);
        const button = $('button', banner ?? undefined);
        function done() {
            clearTimeout(timer);
            button?.removeEventListener('click', done);
            window.removeEventListener('online', done);
            resolve();
        }
        button?.addEventListener('click', done);
        window.addEventListener('online', done);
    });
    waiting = null;
}

function show(status) {
    const text = t(status === 503 ? 'trouble_busy' : navigator.onLine ? 'trouble_away' : 'trouble_offline');
    if (banner) {
        $('p', banner).textContent = text;
        return;
    }
    banner = h('aside', {class: 'banner bad trouble', 'aria-label': t('messages')},
        icon('alert'), h('p', {role: 'alert'}, text), h('button', {type: 'button', class: 'button'}, t('try_again')));
    document.body.prepend(banner);
}

function abortable(promise, signal) {
    if (!signal) {
        return promise;
    }
    return new Promise((resolve, reject) => {
        const stop = () => reject(signal.reason ?? new DOMException('', 'AbortError'));
        if (signal.aborted) {
            stop();
            return;
        }
        signal.addEventListener('abort', stop, {once: true});
        promise.then(resolve, reject);
    });
}

// --- The session has ended

let asking = null;

// Sign in over the page; nothing that was typed is lost. All calls that need it wait for the same dialog.
export function askToSignIn() {
    asking ??= ask().finally(() => {
        asking = null;
    });
    return asking;
}

async function ask() {
    const fault = h('p', {class: 'notice bad', role: 'alert', hidden: true});
    const name = h('input', {
        id: 'again-username', name: 'username', value: page.user.username, autocomplete: 'username',
        readonly: true, required: true,
    });
    const password = h('input', {
        id: 'again-password', name: 'password', type: 'password', autocomplete: 'current-password', required: true,
        autofocus: true,
    });
    const body = h('div', {class: 'stack'},
        h('p', null, t('session_ended_text')),
        fault,
        h('div', {class: 'field'}, h('label', {for: 'again-username'}, t('username')), name),
        h('div', {class: 'field'}, h('label', {for: 'again-password'}, t('password')), password));
    const done = await openDialog({
        title: t('session_ended_title'),
        body,
        actions: [{label: t('leave'), value: 'leave'}, {label: t('sign_in'), value: 'in', kind: 'primary'}],
        async onSubmit(value) {
            if (value !== 'in') {
                return true;
            }
            const wrong = await signIn(name.value, password.value);
            if (wrong === null) {
                return true;
            }
            fault.textContent = wrong;
            fault.hidden = false;
            password.select();
            return false;
        },
    });
    if (done !== 'in') {
        location.assign(`${page.root}login/?next=${encodeURIComponent(location.pathname + location.search)}`);
        await new Promise(() => {}); // the page is going
    }
}

// Null when it went well, else what was wrong.
async function signIn(username, password) {
    let answer;
    try {
        answer = await fetch(`${page.root}login/`, {
            method: 'POST',
            body: new URLSearchParams({username, password}),
            headers: {Accept: 'text/html'},
            redirect: 'manual',
        });
    } catch {
        return t('trouble_away');
    }
    if (answer.type !== 'opaqueredirect') {
        const form = new DOMParser().parseFromString(await answer.text(), 'text/html');
        return $('[role="alert"]', form)?.textContent.trim() || t('sign_in_failed');
    }
    const session = await (await fetch(`${page.root}api/v1/session/`, {headers: {Accept: 'application/json'}})).json();
    if (session.data.user?.id !== page.user.id) {
        location.reload(); // somebody else's page
        await new Promise(() => {});
    }
    useToken(session.data.csrf_token);
    return null;
}

// The present proof for writes; forms of the page get it too.
export function useToken(token) {
    page.csrf = token;
    $('meta[name="csrf-token"]')?.setAttribute('content', token);
    for (const field of document.querySelectorAll('input[name="_csrf_token"]')) {
        field.value = token;
    }
}
