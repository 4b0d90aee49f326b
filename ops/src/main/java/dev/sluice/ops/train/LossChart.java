package dev.sluice.ops.train;

import java.awt.Color;
import java.awt.Dimension;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.apache.batik.svggen.SVGGraphics2D;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.w3c.dom.Document;

/**
 * The loss curves of a run as an SVG picture. AWT and the chart library are loaded when one is
 * drawn, not before.
 */
final class LossChart {
  private static final int WIDTH = 900;
  private static final int HEIGHT = 540;
  private static final int MOST_POINTS = 600;
  private static final String SVG = "http://www.w3.org/2000/svg";

  private LossChart() {}

  /** One curve. */
  private record Curve(List<Double> steps, List<Double> losses) {
    Curve() {
      this(new ArrayList<>(), new ArrayList<>());
    }

    void add(long step, double loss) {
      steps.add((double) step);
      losses.add(loss);
    }
  }

  /**
   * Draws the rows and replaces the file.
   *
   * @return what was in the way, if something was: a picture is not worth a training. A system
   *     without fonts cannot draw
   */
  static Optional<String> draw(List<LossLog.Row> rows, Path file) {
    if (rows.isEmpty()) {
      return Optional.empty();
    }
    System.setProperty("java.awt.headless", "true");
    Path aside = file.resolveSibling(file.getFileName() + ".tmp");
    try {
      SVGGraphics2D canvas = new SVGGraphics2D(document());
      canvas.setSVGCanvasSize(new Dimension(WIDTH, HEIGHT));
      chart(rows).paint(canvas, WIDTH, HEIGHT);
      try (Writer out = Files.newBufferedWriter(aside)) {
        canvas.stream(out, true);
      }
      Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      return Optional.empty();
    } catch (IOException | ParserConfigurationException | RuntimeException | LinkageError e) {
      return Optional.of(file + ": not drawn: " + e.getMessage());
    }
  }

  private static XYChart chart(List<LossLog.Row> rows) {
    XYChart chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title("Loss")
            .xAxisTitle("step")
            .yAxisTitle("nats per token")
            .build();
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    chart.getStyler().setLegendPosition(LegendPosition.InsideNE);
    add(chart, "training", training(rows));
    Curve validation = validation(rows);
    if (!validation.steps().isEmpty()) {
      add(chart, "held-out text", validation);
    }
    return chart;
  }

  private static void add(XYChart chart, String name, Curve curve) {
    chart.addSeries(name, curve.steps(), curve.losses()).setMarker(SeriesMarkers.NONE);
  }

  /** Means over equally many steps each, so that the picture of a long run stays small. */
  private static Curve training(List<LossLog.Row> rows) {
    Curve curve = new Curve();
    int each = Math.ceilDiv(rows.size(), MOST_POINTS);
    for (int start = 0; start < rows.size(); start += each) {
      List<LossLog.Row> group = rows.subList(start, Math.min(rows.size(), start + each));
      double mean = group.stream().mapToDouble(LossLog.Row::loss).average().orElse(Double.NaN);
      if (Double.isFinite(mean)) {
        curve.add(group.getLast().step(), mean);
      }
    }
    return curve;
  }

  private static Curve validation(List<LossLog.Row> rows) {
    Curve curve = new Curve();
    for (LossLog.Row row : rows) {
      if (Double.isFinite(row.validationLoss())) {
        curve.add(row.step(), row.validationLoss());
      }
    }
    return curve;
  }

  private static Document document() throws ParserConfigurationException {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .getDOMImplementation()
        .createDocument(SVG, "svg", null);
  }
}
