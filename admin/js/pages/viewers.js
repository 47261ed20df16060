// The viewers at work, and their guides.

import {copyButton} from '../core/copy.js';
import {$, $$, page} from '../core/dom.js';
import {t} from '../core/texts.js';
import {demos} from '../viewers/demos.js';
import {guideContents} from '../viewers/contents.js';

if (page.data.samples?.length) {
    demos[page.data.viewer]();
}
if ($('#guide-text')) {
    guideContents();
}
for (const sample of $$('.sample')) {
    const code = $('code', sample);
    sample.append(copyButton(() => code.textContent, {label: t('copy_code'), source: code}));
}
