package dev.sluice.ops;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The module graph: ops → actors → pipeline-stages → { model-shards, transport }. */
class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("dev.sluice");

  @Test
  void shouldDependDownwardsOnly() {
    layeredArchitecture()
        .consideringOnlyDependenciesInLayers()
        .layer("ops")
        .definedBy("dev.sluice.ops..")
        .layer("actors")
        .definedBy("dev.sluice.actors..")
        .layer("pipeline-stages")
        .definedBy("dev.sluice.stages..")
        .layer("model-shards")
        .definedBy("dev.sluice.model..")
        .layer("transport")
        .definedBy("dev.sluice.transport..")
        .whereLayer("ops")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("actors")
        .mayOnlyBeAccessedByLayers("ops")
        .whereLayer("pipeline-stages")
        .mayOnlyBeAccessedByLayers("ops", "actors")
        .whereLayer("model-shards")
        .mayOnlyBeAccessedByLayers("ops", "actors", "pipeline-stages")
        .whereLayer("transport")
        .mayOnlyBeAccessedByLayers("ops", "actors", "pipeline-stages")
        .check(CLASSES);
  }

  @Test
  void shouldKeepAkkaOutOfModelAndTransport() {
    noClasses()
        .that()
        .resideInAnyPackage("dev.sluice.model..", "dev.sluice.transport..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("akka..")
        .check(CLASSES);
  }

  @Test
  void shouldKeepNd4jInsideTheReferenceModel() {
    classes()
        .that()
        .resideOutsideOfPackage("dev.sluice.model.reference..")
        .should()
        .onlyDependOnClassesThat()
        .resideOutsideOfPackage("org.nd4j..")
        .check(CLASSES);
  }

  @Test
  void shouldHaveNoCyclesBetweenPackages() {
    slices().matching("dev.sluice.(*).(*)..").should().beFreeOfCycles().check(CLASSES);
  }
}
