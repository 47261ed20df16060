// What one writes into a page of another site to show a portfolio there.

import {copyButton} from '../core/copy.js';
import {h} from '../core/dom.js';
import {t} from '../core/texts.js';

export function embedFields(code) {
    return Object.entries(code).map(([kind, text]) => {
        const area = h('textarea', {id: `embed-${kind}`, rows: 3, readonly: true, spellcheck: 'false', value: text});
        return h(
            'div',
            {class: 'field'},
            h('label', {for: area.id}, t(`view_${kind}`)),
            area,
            h('div', {class: 'row'}, copyButton(() => text, {words: t('copy_code')})),
        );
    });
}
