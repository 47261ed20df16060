// Choosing for somebody else: the page around this frame, or the one that has opened this window.

import {api, imageUrl} from '../core/api.js';
import {$, absolute, h, page} from '../core/dom.js';
import {loadTexts, t} from '../core/texts.js';
import {toast} from '../core/toast.js';

const KIND = 'qis-pick';

const {mode, target, path, filter, level} = page.data;

// To functions of the page around, as it has always been, or else as a message to the origin that was named.
async function tell(paths) {
    const around = window.parent === window ? window.opener : window.parent;
    if (target) {
        around?.postMessage({type: KIND, items: await described(paths)}, target);
    } else if (mode === 'folder') {
        around?.onFolderSelected?.(paths[0]);
    } else {
        around?.onFileSelected?.(paths[0]);
    }
    close();
}

// What others are told of each.
async function described(paths) {
    if (mode === 'folder') {
        return paths.map(src => ({src, width: 0, height: 0, url: ''}));
    }
    return Promise.all(paths.map(async src => {
        const {width, height} = await api.get('details/', {src});
        return {src, width, height, url: absolute(imageUrl(src))};
    }));
}

function close() {
    if (window.parent === window && window.opener) {
        window.close();
    }
    $('#picker').replaceChildren(h('p', {class: 'empty', role: 'status'}, t('picker_done')));
}

async function start() {
    await loadTexts('browse');
    const {Chooser} = await import('../browse/chooser.js');
    const chooser = new Chooser({mode, level, filter});
    const chosen = $('#chosen');
    const button = $('#choose');
    $('#chooser').replaceWith(chooser.element);
    chooser.addEventListener('changed', () => {
        if (mode === 'folder') {
            chosen.textContent = chooser.whyNot || chooser.path;
            button.disabled = Boolean(chooser.whyNot);
        } else {
            chosen.textContent = chooser.chosen.size ? t('picker_chosen', {n: chooser.chosen.size}) : '';
            button.disabled = !chooser.chosen.size;
        }
    });
    const finish = async paths => {
        try {
            await tell(paths);
        } catch (error) {
            toast(error.message, {kind: 'bad'});
        }
    };
    chooser.addEventListener('picked', () => finish([...chooser.chosen.keys()]));
    button.addEventListener('click', () => finish(mode === 'folder' ? [chooser.path] : [...chooser.chosen.keys()]));
    await chooser.open(path);
}

if ($('#chooser')) {
    start();
}
