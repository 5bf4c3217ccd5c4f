// Affine maps as 3x3 rows, as the service writes them.

export const IDENTITY = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];

export const scaling = (x, y) => [[x, 0, 0], [0, y, 0], [0, 0, 1]];

/** The map that goes back; null for one that cannot. */
export function inverse([[a, b, c], [d, e, f]]) {
  const area = a * e - b * d;
  if (!Number.isFinite(area) || Math.abs(area) < 1e-12) return null;
  return [[e / area, -b / area, (b * f - c * e) / area], [-d / area, a / area, (c * d - a * f) / area], [0, 0, 1]];
}

export const apply = ([[a, b, c], [d, e, f]], [x, y]) => [a * x + b * y + c, d * x + e * y + f];

export const corners = ({ x, y, width, height }) => [[x, y], [x + width, y], [x + width, y + height], [x, y + height]];

/** Draws in the pixels of `matrix`'s origin, `scale` canvas pixels to a pixel of its goal. */
export function into(context, [[a, b, c], [d, e, f]], scale, left = 0, top = 0) {
  context.setTransform(scale * a, scale * d, scale * b, scale * e, scale * c + left, scale * f + top);
}
