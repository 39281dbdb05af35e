/** The charts' library, only what is drawn here; loaded when the first chart is seen. Canvas, since the content security policy refuses the inline styles of its SVG. */
import { BarChart, CustomChart, LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { init, use, type ECharts, type EChartsCoreOption } from "echarts/core";
import { CanvasRenderer, SVGRenderer } from "echarts/renderers";

use([BarChart, CustomChart, LineChart, ScatterChart, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, CanvasRenderer, SVGRenderer]);

export const draw = (place: HTMLElement): ECharts => init(place, null, { renderer: "canvas" });

/** A stand-alone SVG of a chart, `width` x `height` pixels. */
export function svgOf(option: EChartsCoreOption, width: number, height: number): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    chart.setOption(option);
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

/** A picture of a chart as a data: URL, twice as fine as the screen. */
export function pngOf(chart: ECharts, background: string): string {
  return chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: background });
}

export type { ECharts, EChartsCoreOption };
