namespace Postern.Bench;

/// <summary>The page of figures in docs/.</summary>
internal static class DocsPage
{
    private const string Begin = "<!-- bench:begin -->\n";
    private const string End = "<!-- bench:end -->";

    /// <summary>Replaces what stands between the page's two marks.</summary>
    public static void Fill(string path, string table)
    {
        var page = File.ReadAllText(path);
        var begin = page.IndexOf(Begin, StringComparison.Ordinal);
        var end = page.IndexOf(End, StringComparison.Ordinal);
        if (begin < 0 || end < begin)
            throw new InvalidOperationException($"{path} lacks the marks {Begin.Trim()} and {End}");
        File.WriteAllText(path, page[..(begin + Begin.Length)] + table + page[end..]);
    }
}
