using Postern.Core;
using Postern.Core.Config;

namespace Postern.Tests.Config;

public sealed class ParametersTests
{
    [Fact]
    public void Every_row_is_complete_and_its_name_unique()
    {
        Assert.True(Parameters.All.Count > 200);
        Assert.Equal(Parameters.All.Count, Parameters.All.Select(static row => row.Name).Distinct().Count());
        Assert.All(Parameters.All, static row =>
        {
            Assert.EndsWith(".", row.Summary, StringComparison.Ordinal);
            Assert.Matches("^[A-Za-z0-9_]+$", row.Name);
            Assert.True(row.Default.Length > 0 || row.Kind is ParameterKind.Text or ParameterKind.Raw, row.Name);
            Assert.True(row.Unit is null or 's' or 'm' or 'h' or 'd' or 'w', row.Name);
            Assert.True(row.Maximum == 0 || row.Maximum > row.Minimum, row.Name);
        });
    }

    // The first entry has a line number that a default cannot have, so a default that is out of its bounds shows.
    [Fact]
    public void Every_default_evaluates_within_its_bounds() =>
        Assert.Empty(new ConfigDirectory("compatibility_level = 3.6\n").Load().Problems);

    // An entry with the text of the default must do what no entry does.
    [Fact]
    public void Every_default_can_be_written_out()
    {
        var lines = Parameters.All
            .Where(static row => row.DefaultNote is null && row.Use != ParameterUse.OldName && row.Group != ParameterGroup.Tls)
            .Select(static row => $"{row.Name} = {row.Default}");

        Assert.Empty(new ConfigDirectory(string.Join('\n', lines)).Load().Problems);
    }

    [Theory]
    [InlineData("postscreen_gret_wait", "postscreen_greet_wait")]
    [InlineData("postscreen_whitelist_interface", "postscreen_whitelist_interfaces")]
    [InlineData("postern_hand_off", "postern_handoff")]
    [InlineData("postscreen_something_else_altogether", null)]
    public void Nearest_name(string misspelt, string? expected) => Assert.Equal(expected, Parameters.Nearest(misspelt));

    [Fact]
    public void Documentation_is_that_of_the_registry()
    {
        var file = Path.Combine(RepositoryRoot(), "docs", "parameters.md");
        if (Environment.GetEnvironmentVariable("POSTERN_UPDATE") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, ParameterDocs.Render());
        }

        Assert.Equal(File.ReadAllText(file), ParameterDocs.Render());
        Assert.All(Parameters.All, static row => Assert.Contains($"| `{row.Name}` |", ParameterDocs.Render(), StringComparison.Ordinal));
    }

    [Fact]
    public void The_manual_has_every_parameter_that_counts_and_no_line_is_taken_for_a_request()
    {
        var page = ParameterDocs.RenderManual();

        Assert.All(
            Parameters.All.Where(static row => row.Use is ParameterUse.Used && row.Group is not ParameterGroup.OldNames),
            row => Assert.Contains($"\n.BR {row.Name} \" (", page, StringComparison.Ordinal));
        Assert.All(page.Split('\n').Where(static line => line.StartsWith('.')), static line => Assert.Matches(@"^\.(TH|SH|TP|B|BR|I|ad)( |$)", line));
        Assert.Equal("\\&.x \\e \\-", Roff.Text(".`x` \\ -"));
    }

    private static string RepositoryRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Postern.slnx")))
            directory = directory.Parent ?? throw new InvalidOperationException("the tests run outside the repository");
        return directory.FullName;
    }
}
