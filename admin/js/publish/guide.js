// The imaging guide, from a form: it opens at the parameter in question, over the page.

import {h, url} from '../core/dom.js';
import {openDialog} from '../core/dialog.js';
import {t} from '../core/texts.js';

export function guideAddress(name) {
    return `${url('help/')}#option_${name}`;
}

// To be called for clicks: those on help marks open the guide in a dialog, unless another window was wanted.
export function openGuide(event) {
    const mark = event.target.closest?.('.pub-help');
    if (!mark || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const anchor = new URL(mark.href).hash;
    openDialog({
        title: t('guide'),
        body: h('iframe', {class: 'pub-guide', title: t('guide'), src: `${url('help/', {embed: 1})}${anchor}`}),
        actions: [{label: t('close'), value: 'close', kind: 'primary'}],
    });
}
