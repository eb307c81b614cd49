using Postern.Fuzz.Engine;
using Postern.Fuzz.Targets;

namespace Postern.Interop.Tests;

/// <summary>Every input that the fuzzers started from, or found: a crash becomes a test.</summary>
public sealed class FuzzCorpusTests
{
    public static TheoryData<string> Targets => [.. FuzzTarget.All.Select(static target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void The_whole_corpus_runs_through_its_target(string name)
    {
        var target = FuzzTarget.All.Single(target => target.Name == name);
        var files = Corpus.Files(Path.Combine(Corpus.Root, name));

        Assert.NotEmpty(files);
        Assert.All(files, file => target.Check(File.ReadAllBytes(file)));
    }

    [Fact]
    public void Every_folder_of_the_corpus_has_a_target() =>
        Assert.Equal(FuzzTarget.All.Select(target => target.Name), Directory.EnumerateDirectories(Corpus.Root).Select(Path.GetFileName).Order(StringComparer.Ordinal));
}
