// Contents at the side of a guide.

import {$, $$, h} from '../core/dom.js';

export function guideContents() {
    const sections = $$('section[id]', $('#guide-text'));
    const links = sections.map(section => h('a', {href: `#${section.id}`}, $('h2', section).textContent));
    $('#guide-contents').append(
        h(
            'ul',
            null,
            links.map(link => h('li', null, link)),
        ),
    );
    const seen = new IntersectionObserver(
        entries => {
            for (const entry of entries.filter(one => one.isIntersecting)) {
                links.forEach(link => link.removeAttribute('aria-current'));
                links[sections.indexOf(entry.target)].setAttribute('aria-current', 'location');
            }
        },
        {rootMargin: '-20% 0px -70% 0px'},
    );
    sections.forEach(section => seen.observe(section));
}
