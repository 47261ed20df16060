// The page of folder permissions.

import {ApiError} from '../core/api.js';
import {$, page} from '../core/dom.js';
import {urlState} from '../core/state.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {showInspector} from './inspector.js';
import {Settings} from './levels.js';
import {Matrix} from './matrix.js';
import {PendingBar} from './pending.js';
import {viewAs} from './view_as.js';
import {showWho} from './who.js';

export async function matrixPage() {
    const settings = new Settings();
    const inspector = $('#inspector');
    const form = $('#goto');
    let chosen = '/';

    const matrix = new Matrix($('#matrix'), settings, {
        onSelect(path, group) {
            chosen = path;
            form.elements.path.value = path;
            urlState.set({path, group: group.id});
            showInspector(inspector, {
                settings, path, group,
                change: access => matrix.change(path, group.id, access),
                go: from => go(from, group.id),
            });
        },
        onChange: () => bar.update(),
    });
    const bar = new PendingBar($('#pending'), settings, {
        applied: () => matrix.reload(),
        discarded: () => matrix.draw(),
    });

    async function go(path, group) {
        try {
            await matrix.show(path.startsWith('/') ? path : `/${path}`, group);
        } catch (error) {
            if (!(error instanceof ApiError)) {
                throw error;
            }
            toast(error.status === 404 ? t('not_there') : error.message, {kind: 'bad'});
            return false;
        }
        return true;
    }

    form.addEventListener('submit', event => {
        event.preventDefault();
        go(form.elements.path.value.trim() || '/', matrix.chosen.group);
    });
    $('#who').addEventListener('click', () => showWho(chosen));
    viewAs($('#viewer'), user => matrix.viewAs(user));
    if (!await go(page.data.path, page.data.group)) {
        await go('/', page.data.group);
    }
}
