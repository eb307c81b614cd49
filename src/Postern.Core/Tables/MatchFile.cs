namespace Postern.Core.Tables;

/// <summary>A <c>/file</c> inside a match list.</summary>
internal sealed class MatchFile
{
    private static readonly MatchItem[] NoItems = [];

    private readonly WatchedFile<MatchItem[]> _file;
    private readonly string _path;

    /// <param name="parse">Reads the text, in the name of the file that is given first.</param>
    public MatchFile(string path, Func<MatchFile, FileParser<MatchItem[]>> parse)
    {
        _path = path;
        _file = new WatchedFile<MatchItem[]>(path, $"file {path}", DescribeReadProblem, parse(this));
    }

    /// <summary>The elements in force; of a file that cannot be read, a table that always fails.</summary>
    public MatchItem[] Items { get; private set; } = NoItems;

    /// <summary>The file.</summary>
    public string Path => _path;

    /// <param name="fatal">Set when what could be read is not a list.</param>
    /// <returns>Whether the file could be read.</returns>
    public bool Open(ITextFiles files, IWarningSink warnings, out string? problem, out string? fatal)
    {
        var isReadable = _file.Open(files, warnings);
        fatal = isReadable ? _file.Problem : null;
        problem = isReadable ? null : _file.Problem;
        Items = Choose();
        return isReadable;
    }

    public void Refresh(ITextFiles files, IWarningSink warnings)
    {
        _file.Refresh(files, warnings);
        if (Items != _file.Content)
            Items = Choose();
    }

    /// <summary>Adds all files that evaluating the elements would evaluate.</summary>
    public static void Collect(MatchItem[] items, HashSet<MatchFile> files)
    {
        foreach (var item in items)
        {
            if (item.File is { } file && files.Add(file))
                Collect(file.Items, files);
        }
    }

    private MatchItem[] Choose() => _file.Content
        ?? [new MatchItem(IsNegated: false, null, new UnavailableTable($"non-existent:{_path}", _file.Problem ?? "no content"), null)];

    private string DescribeReadProblem(string reason) => reason == "Is a directory"
        ? $"match_list_parse: read file {_path}: {reason}"
        : $"open file {_path}: {reason}";
}
