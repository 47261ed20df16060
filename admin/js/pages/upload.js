// The page of uploads: what is chosen, what is under way, what has come. Its form works without any of this.

import {$, $$, h} from '../core/dom.js';
import {copyButton} from '../core/copy.js';
import {t} from '../core/texts.js';
import {showUploads} from '../upload/card.js';
import {UploadForm} from '../upload/form.js';
import {Results} from '../upload/results.js';
import {Rows} from '../upload/rows.js';

await showUploads();

if ($('#upload')) {
    new UploadForm($('#upload'));
    new Rows($('#queue'));
}
new Results($('#results'));

// What the server has told of the last plain form.
for (const field of $$('input[data-copied]')) {
    field.addEventListener('focus', () => field.select());
    const label = t('copy_of', {what: field.closest('label').firstChild.textContent.trim()});
    field.closest('label').after(h('span', {class: 'row'}, copyButton(() => field.value, {label})));
}
