// What a bulk change makes of the texts of each image. Pure: nothing here is asked for or shown.

export const MOST = {title: 255, description: 10000};

const split = text => text.split(',').map(one => one.trim()).filter(Boolean);
const escaped = text => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const WAYS = {
    set: (text, wish) => wish.text.trim() || text,
    clear: () => '',
    append: (text, wish) => `${text}${text && wish.text && !/^[\s,.;:!?]/.test(wish.text) ? ' ' : ''}${wish.text}`.trim(),
    replace: (text, wish) => (wish.find
        ? text.replace(new RegExp(escaped(wish.find), wish.capitals ? 'gu' : 'giu'), () => wish.with).trim() : text),
    iptc: (text, wish, image) => image.iptc || text,
    add: (tags, wish) => [...new Set([...tags, ...split(wish.text)])],
    remove: (tags, wish) => tags.filter(tag => !split(wish.text).includes(tag)),
};

export const FIELDS = {
    title: ['set', 'append', 'replace', 'iptc', 'clear'],
    description: ['set', 'append', 'replace', 'iptc', 'clear'],
    tags: ['add', 'remove'],
};

// The images that change, each with its value before and after.
// `wish`: {field, way, text, find, with, capitals}.
export function changes(images, wish) {
    return images.flatMap(image => {
        const before = image[wish.field];
        const after = WAYS[wish.way](before, wish, {iptc: image.iptc?.[wish.field]});
        return same(before, after) ? [] : [{image, before, after}];
    });
}

export function tooLong(list, field) {
    return list.filter(one => one.after.length > (MOST[field] ?? Infinity));
}

function same(before, after) {
    return Array.isArray(before) ? before.length === after.length && before.every((one, index) => one === after[index]) : before === after;
}
