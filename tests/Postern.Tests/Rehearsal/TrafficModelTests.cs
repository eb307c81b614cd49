using System.Runtime.CompilerServices;
using Postern.Core.Rehearsal;

namespace Postern.Tests.Rehearsal;

public sealed class TrafficModelTests
{
    private static readonly string Page = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", "..", "docs", "rehearse.md"));

    public static TheoryData<string> Names => [.. ModelParameter.All.Select(static row => row.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Each_parameter_has_a_good_default_and_says_what_it_is(string name)
    {
        var row = ModelParameter.All.Single(row => row.Name == name);

        Assert.True(TrafficModel.Default.TrySet($"{name}={row.Default}", out _, out var problem), problem);
        Assert.EndsWith(".", row.Summary, StringComparison.Ordinal);
        Assert.NotEmpty(row.Source);
    }

    [Fact]
    public void The_page_has_the_table_as_it_is()
    {
        var rows = ModelParameter.All.Select(static row => $"| `{row.Name}` | {row.Default} | {row.Summary} | {row.Source} |");

        Assert.Contains("|---|---|---|---|\n" + string.Join('\n', rows) + "\n\n", Page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_names_every_scenario() => Assert.All(Scenario.All, static scenario => Assert.Contains($"`--scenario {scenario.Name}`", Page, StringComparison.Ordinal));

    [Theory]
    [InlineData("bots", "bots: write name=value")]
    [InlineData("botts=1", "botts: no parameter of the model has this name; --show-model has all of them")]
    [InlineData("bots=many", "bots=many: write a number from 0 to 20000")]
    [InlineData("bots=-1", "bots=-1: write a number from 0 to 20000")]
    [InlineData("bot_patient=1.1", "bot_patient=1.1: write a number from 0 to 1")]
    [InlineData("bot_patience=3", "bot_patience=3: \"3\" is no point: write TIME:SHARE with a share between 0 and 1, such as 10:0.6")]
    public void A_bad_setting_is_explained(string setting, string problem)
    {
        Assert.False(TrafficModel.Default.TrySet(setting, out _, out var said));
        Assert.Equal(problem, said);
    }

    [Fact]
    public void A_setting_leaves_the_model_it_came_from_as_it_was()
    {
        Assert.True(TrafficModel.Default.TrySet(" bots = 7 ", out var changed, out _));

        Assert.Equal(7, changed.Number(ModelParameter.Bots));
        Assert.Equal(500, TrafficModel.Default.Number(ModelParameter.Bots));
    }

    [Fact]
    public void Patience_has_the_published_anchors()
    {
        var patience = TrafficModel.Default.Curve(ModelParameter.Patience);

        Assert.All(Scenario.ShedAnchors, anchor => Assert.Equal(anchor.Share, 1 - patience.At(anchor.Seconds), 0.001));
        Assert.Equal(0, patience.At(180));
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
