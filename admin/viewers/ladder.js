/** Which sizes a picture is asked for in: the same for all visitors, so that they share what the server has made. */

const STEPS = [500, 960, 1728, 3120, 5600, 10240, 18432, 33024, 59392, 107008];
const TILES = [1, 1, 16, 64, 64, 256, 1024, 1024, 1024, 1024];
const NEARLY_FULL = 0.85;
const LEAST_ZOOM = 1.1;
const LEVELS_MOST = 10;
const MOVES_MOST = 10;
const LEAST_MULTIPLE = 4;

/** Servers may refuse strangers anything larger in one piece. */
const PIECE_MOST = 1000;

/** A number of a query, or another if it is none. */
function numberOr(text, other) {
  const number = Number.parseFloat(text);
  return Number.isFinite(number) ? Math.min(1, Math.max(0, number)) : other;
}

/** The part of the picture that the parameters cut out, in fractions. */
export function cropOf(values) {
  const [top, bottom] = [numberOr(values.top, 0), numberOr(values.bottom, 1)];
  const [left, right] = [numberOr(values.left, 0), numberOr(values.right, 1)];
  return top < bottom && left < right ? { top, left, bottom, right } : { top: 0, left: 0, bottom: 1, right: 1 };
}

/** Size of the whole picture as the parameters show it: turned, then cut. */
export function fullSize(size, values) {
  const turned = Math.abs(Number.parseFloat(values.angle)) % 180 === 90;
  const [width, height] = turned ? [size.height, size.width] : [size.width, size.height];
  const crop = cropOf(values);
  return {
    width: Math.max(1, Math.round(width * (crop.right - crop.left))),
    height: Math.max(1, Math.round(height * (crop.bottom - crop.top))),
  };
}

/** The largest size of these proportions within a box, never enlarged. */
export function fitted(size, box) {
  const scale = Math.min(1, box.width / size.width, box.height / size.height);
  return {
    width: Math.max(1, Math.round(size.width * scale)),
    height: Math.max(1, Math.round(size.height * scale)),
  };
}

/** A size near this one that divides evenly into tiles, as true to the proportions as can be had. */
function even(size, full, multiple) {
  let best = size;
  let least = Infinity;
  const start = Math.round(size.width / multiple) * multiple;
  for (let move = 0; move < MOVES_MOST && start > move * multiple; move += 1) {
    const width = start - move * multiple;
    const exact = (width * full.height) / full.width;
    const height = Math.max(multiple, Math.round(exact / multiple) * multiple);
    const error = Math.abs(height / exact - 1);
    if (error < least) [best, least] = [{ width, height }, error];
    if (error === 0) break;
  }
  return best;
}

function levelOf(full, longer, tiles) {
  const scale = longer / Math.max(full.width, full.height);
  const size = { width: Math.round(full.width * scale), height: Math.max(1, Math.round(full.height * scale)) };
  const multiple = Math.max(Math.sqrt(tiles), LEAST_MULTIPLE);
  return { ...(tiles > 1 ? even(size, full, multiple) : size), tiles };
}

/** No more tiles than the shorter side has pixels for. */
function affordable(tiles, size) {
  return Math.sqrt(tiles) <= Math.min(size.width, size.height) ? tiles : 1;
}

/** The levels of a picture: the first fits into the view, the last is the full size. */
export function levelsOf(full, view, maxtiles) {
  const most = [1, 4, 16, 64, 256].filter((count) => count <= maxtiles).pop() || 1;
  const longest = Math.max(full.width, full.height);
  const levels = [{ ...fitted(full, view), tiles: 1 }];
  const least = Math.max(levels[0].width, levels[0].height);
  let step = STEPS.findIndex((longer) => longer >= least * LEAST_ZOOM);
  if (least >= longest) return levels;
  for (; step >= 0 && step < STEPS.length && levels.length < LEVELS_MOST - 1; step += 1) {
    if (STEPS[step] > longest * NEARLY_FULL) break;
    const tiles = affordable(Math.min(TILES[step], most), full);
    levels.push(levelOf(full, STEPS[step], tiles));
  }
  const steps = step < 0 ? STEPS.length - 1 : Math.min(step, STEPS.length - 1);
  const tiles = Math.max(TILES[steps], longest > PIECE_MOST ? LEAST_MULTIPLE : 1);
  levels.push({ ...full, tiles: affordable(Math.min(tiles, most), full) });
  return levels;
}

/** Where a tile lies in its level, in the level's pixels; tiles are numbered from 1. */
export function tileBox(level, number) {
  const side = Math.sqrt(level.tiles);
  const [across, down] = [Math.floor(level.width / side), Math.floor(level.height / side)];
  const [column, row] = [(number - 1) % side, Math.floor((number - 1) / side)];
  return {
    left: column * across,
    top: row * down,
    right: column === side - 1 ? level.width : (column + 1) * across,
    bottom: row === side - 1 ? level.height : (row + 1) * down,
  };
}

/** The parameters by which a level, or one tile of it, is asked for. */
export function levelValues(level, index, number, format) {
  return {
    format,
    autosizefit: 0,
    strip: 1,
    stats: index === 0 ? 1 : 0,
    width: level.width,
    height: level.height,
    tile: level.tiles > 1 ? `${number}:${level.tiles}` : null,
  };
}
