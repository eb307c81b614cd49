using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Postern.Core.Config;
using Postern.Core.Versions;

namespace Postern.Tests.Versions;

/// <summary>The registry of what differs between versions of Postfix is whole, in use and documented.</summary>
public sealed class PostfixDifferencesTests
{
    private static readonly string Repository = Path.Combine(Here(), "..", "..", "..");

    [Fact]
    public void The_registry_has_every_row_once()
    {
        var fields = typeof(PostfixDifferences).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(static field => field.FieldType == typeof(PostfixDifference)).Select(static field => (PostfixDifference)field.GetValue(null)!).ToList();

        Assert.Equal(fields.Select(static row => row.Name).Order(), PostfixDifferences.All.Select(static row => row.Name).Order());
        Assert.Equal(PostfixDifferences.All.Count, PostfixDifferences.All.Select(static row => row.Name).Distinct().Count());
    }

    [Fact]
    public void Each_row_says_both_behaviours_where_they_were_seen_and_why_it_does_not_follow_the_version()
    {
        Assert.All(PostfixDifferences.All, static row =>
        {
            Assert.Matches("^[a-z0-9_]+(-[a-z0-9_]+)*$", row.Name);
            Assert.True(row.Since > PostfixVersion.Base && row.Since <= PostfixVersion.Known[^1], row.Name);
            Assert.NotEqual(row.Before, row.After);
            Assert.NotEmpty(row.Source);
            Assert.True(row.Policy is VersionPolicy.ByVersion || row.Reason is not null, row.Name);
            Assert.All(row.Parameters, static name => Assert.NotNull(Parameters.Find(name)));
            Assert.DoesNotContain('\n', row.What + row.Before + row.After + row.Reason);
        });
    }

    [Fact]
    public void A_case_that_a_row_names_exists()
    {
        var cases = Directory.GetFiles(Path.Combine(Repository, "tests", "Lab", "versions", "cases"), "*.case").Select(Path.GetFileNameWithoutExtension).ToList();
        var named = PostfixDifferences.All.SelectMany(static row => row.Source.Split(", ")).Where(static source => !source.Contains('(') && !source.StartsWith("postconf -d", StringComparison.Ordinal)).ToList();

        Assert.Empty(named.Except(cases));
    }

    [Fact]
    public void Each_row_that_follows_the_version_is_asked_somewhere()
    {
        var source = string.Concat(Directory.GetFiles(Path.Combine(Repository, "src"), "*.cs", SearchOption.AllDirectories).Where(static file => !file.EndsWith("/PostfixDifferences.cs", StringComparison.Ordinal)).Select(File.ReadAllText));
        var unused =
            from field in typeof(PostfixDifferences).GetFields(BindingFlags.Public | BindingFlags.Static)
            where field.FieldType == typeof(PostfixDifference) && (PostfixDifference)field.GetValue(null)! is { Policy: VersionPolicy.ByVersion, Default: null, Reason: null }
                && !source.Contains($"PostfixDifferences.{field.Name}", StringComparison.Ordinal)
            select field.Name;

        Assert.Empty(unused);
    }

    // Whoever asks for a version in another way makes a difference that nobody finds in the registry.
    [Fact]
    public void Nobody_else_compares_versions()
    {
        var places =
            from file in Directory.GetFiles(Path.Combine(Repository, "src"), "*.cs", SearchOption.AllDirectories)
            where !file.Contains("/Versions/", StringComparison.Ordinal) && !file.EndsWith("/PostfixRelease.cs", StringComparison.Ordinal)
            where Regex.IsMatch(File.ReadAllText(file), @"new PostfixVersion\(|PostfixVersion\.Known|Postfix(\.Version)?\.(Major|Minor|Patch|Series)|[pP]ostfix(\.Version)? (<|>|==)")
            select file;

        Assert.Empty(places);
    }

    [Fact]
    public void The_table_in_the_documentation_is_that_of_the_registry()
    {
        const string Begin = "<!-- versions: made from the registry; POSTERN_UPDATE=1 in a test run writes it anew -->\n", End = "<!-- /versions -->";
        var path = Path.Combine(Repository, "docs", "compatibility.md");
        var page = File.ReadAllText(path);
        var (start, end) = (page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, page.IndexOf(End, StringComparison.Ordinal));
        Assert.True(start > Begin.Length && end > start, "the marks of the table are missing");
        var expected = $"\n{PostfixDifferenceTable.Render()}\n";
        if (Environment.GetEnvironmentVariable("POSTERN_UPDATE") == "1")
            File.WriteAllText(path, page[..start] + expected + page[end..]);
        else
            Assert.Equal(expected, page[start..end]);
    }

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
