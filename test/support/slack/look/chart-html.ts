/** A data_visualization block as an SVG: stacked bars or lines with a legend. */
import { escapeHtml, type Json, records, str } from './block-html.ts';

const COLOURS = ['#1264a3', '#e8912d', '#2bac76', '#e01e5a', '#7c3085', '#868686'];
const [WIDTH, HEIGHT, BOTTOM] = [380, 150, 16];

export function chartHtml({ title, chart }: Json): string {
  const drawn: Json = chart !== null && typeof chart === 'object' ? { ...chart } : {};
  const series = records(drawn.series).map(({ name, data }) => ({
    name: str(name),
    values: records(data).map(({ value }) => Number(value)),
    labels: records(data).map(({ label }) => str(label)),
  }));
  const count = Math.max(1, ...series.map(({ values }) => values.length));
  const isStacked = drawn.type === 'bar';
  const totals = Array.from({ length: count }, (_, at) => {
    const column = series.map(({ values }) => values[at] ?? 0);
    return isStacked ? column.reduce((sum, value) => sum + value, 0) : Math.max(0, ...column);
  });
  const highest = Math.max(1, ...totals);
  const y = (value: number) => HEIGHT - BOTTOM - (value / highest) * (HEIGHT - BOTTOM - 4);
  const step = WIDTH / count;
  const shapes = isStacked ? bars() : series.map(line);
  const labels = (series[0]?.labels ?? []).flatMap((label, at) =>
    at % Math.ceil(count / 5) === 0
      ? [`<text x="${(at + 0.5) * step}" y="${HEIGHT - 3}" text-anchor="middle">${escapeHtml(label)}</text>`]
      : [],
  );
  const legend = series.map(
    ({ name }, at) => `<span><i style="background:${COLOURS[at % COLOURS.length]}"></i>${escapeHtml(name)}</span>`,
  );
  return `<div class="card chart"><b>${escapeHtml(str(title))}</b><svg viewBox="0 0 ${WIDTH} ${HEIGHT}">${shapes.join('')}${labels.join('')}</svg><div class="legend">${legend.join('')}</div></div>`;

  function bars(): string[] {
    const from = totals.map(() => 0);
    return series.flatMap(({ values }, index) =>
      values.map((value, at) => {
        const below = from[at] ?? 0;
        from[at] = below + value;
        const top = y(below + value);
        return `<rect x="${at * step + 2}" y="${top}" width="${Math.max(1, step - 4)}" height="${y(below) - top}" fill="${COLOURS[index % COLOURS.length]}"/>`;
      }),
    );
  }

  function line({ values }: { values: number[] }, index: number): string {
    const points = values.map((value, at) => `${(at + 0.5) * step},${y(value)}`);
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${COLOURS[index % COLOURS.length]}" stroke-width="2"/>`;
  }
}
