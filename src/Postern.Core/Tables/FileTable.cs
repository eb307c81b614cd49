namespace Postern.Core.Tables;

/// <summary>A table read from a file: a handle that stays while the content behind it is replaced.</summary>
internal sealed class FileTable : ILiveTable
{
    private readonly WatchedFile<ILookupTable> _file;
    private ILookupTable _current;

    public FileTable(TableType type, TableSource source, ITextFiles files, IWarningSink warnings)
    {
        var (path, parse) = (source.Argument + type.FileSuffix, type.FromFile!);
        Name = source.Name;
        OpenRemedy = type.FileSuffix.Length > 0 ? $"make it with: postmap {Name}" : null;
        _file = new WatchedFile<ILookupTable>(
            path,
            $"table {Name}",
            reason => type.DescribeReadProblem(path, reason),
            (string text, IWarningSink sink, out string? problem) => parse(source with { Text = text }, sink, out problem));
        _file.Open(files, warnings);
        _current = Choose();
    }

    /// <inheritdoc />
    public string Name { get; }

    /// <inheritdoc />
    public string? OpenError => _file.Content is null ? _file.Problem : null;

    /// <inheritdoc />
    public string? OpenRemedy { get; }

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings) => _current.Lookup(key, warnings);

    /// <inheritdoc />
    public LookupResult Lookup(IpAddress address, IWarningSink warnings) => _current.Lookup(address, warnings);

    /// <inheritdoc />
    public void Refresh(ITextFiles files, IWarningSink warnings)
    {
        _file.Refresh(files, warnings);
        _current = Choose();
    }

    private ILookupTable Choose() =>
        _file.Content ?? (_current is UnavailableTable standIn && standIn.Reason == _file.Problem
            ? standIn
            : new UnavailableTable(Name, _file.Problem ?? "no content"));
}
