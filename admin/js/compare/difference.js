// How much two pictures differ, in figures.

const LONGEST = 1200;

// `share` is the part of pixels that differ at all, `mean` and `most` tell by how much, from 0 to 255.
export function difference(a, b) {
    const scale = Math.min(1, LONGEST / Math.max(a.width, a.height));
    const width = Math.max(1, Math.round(a.width * scale));
    const height = Math.max(1, Math.round(a.height * scale));
    const [one, other] = [a, b].map(side => pixels(side.picture, width, height));
    let differing = 0;
    let sum = 0;
    let most = 0;
    for (let at = 0; at < one.length; at += 4) {
        const by = Math.max(
            Math.abs(one[at] - other[at]), Math.abs(one[at + 1] - other[at + 1]), Math.abs(one[at + 2] - other[at + 2]));
        if (by) differing += 1;
        sum += by;
        if (by > most) most = by;
    }
    const count = one.length / 4;
    return {share: differing / count, mean: sum / count, most};
}

function pixels(picture, width, height) {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d', {willReadFrequently: true});
    context.drawImage(picture, 0, 0, width, height);
    return context.getImageData(0, 0, width, height).data;
}
