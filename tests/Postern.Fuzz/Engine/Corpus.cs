namespace Postern.Fuzz.Engine;

/// <summary>The inputs that are kept in the repository, a folder a target.</summary>
public static class Corpus
{
    /// <summary>Where the build has put them.</summary>
    public static string Root => Path.Combine(AppContext.BaseDirectory, "Corpus");

    /// <summary>The files of a folder in a fixed order.</summary>
    public static IReadOnlyList<string> Files(string folder) =>
        Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal)] : [];
}
