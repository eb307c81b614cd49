namespace Postern.Core.Tables;

/// <summary>
/// A table read from a file: a handle that stays while the content behind it is replaced. One thread at a time reads files;
/// look-ups may come from others meanwhile.
/// </summary>
internal sealed class FileTable : ILiveTable
{
    private readonly WatchedFile<ILookupTable> _file;
    private readonly string _path;
    private volatile ILookupTable _current;

    /// <param name="before">The same table of the configuration that is in force until now; null: there is none.</param>
    /// <param name="mostNow">Bytes; a larger file is read by <see cref="ReadRest"/>.</param>
    public FileTable(TableType type, TableSource source, ITextFiles files, IWarningSink warnings, FileTable? before = null, long mostNow = long.MaxValue)
    {
        var parse = type.FromFile!;
        (Name, _path) = (source.Name, source.Argument + type.FileSuffix);
        OpenRemedy = type.FileSuffix.Length > 0 ? $"make it with: postmap {Name}" : null;
        _file = new WatchedFile<ILookupTable>(
            _path,
            $"table {Name}",
            reason => type.DescribeReadProblem(_path, reason),
            (IFileReader file, IWarningSink sink, out string? problem) => parse(source with { File = file }, sink, out problem));
        _file.Open(files, warnings, before?._file, mostNow);
        _current = Choose();
    }

    /// <inheritdoc />
    public string Name { get; }

    /// <inheritdoc />
    public string? OpenError => _file.Content is null && !_file.IsToRead ? _file.Problem : null;

    /// <inheritdoc cref="WatchedFile{T}.BytesTaken" />
    public long BytesTaken => _file.BytesTaken;

    /// <inheritdoc />
    public LookupWait Wait => _file.IsToRead ? LookupWait.Reading : _current.Wait;

    /// <inheritdoc />
    public string? OpenRemedy { get; }

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings) => _current.Lookup(key, warnings);

    /// <inheritdoc />
    public LookupResult Lookup(IpAddress address, IWarningSink warnings) => _current.Lookup(address, warnings);

    /// <summary>Reads the file that was too large to be read before the first client was served.</summary>
    public void ReadRest(IWarningSink warnings)
    {
        _file.ReadRest(warnings);
        _current = Choose();
        _file.EndReading();
    }

    /// <inheritdoc />
    public void Refresh(ITextFiles files, IWarningSink warnings)
    {
        _file.Refresh(files, warnings);
        _current = Choose();
    }

    /// <summary>Whether the table is made from this file.</summary>
    public bool IsFrom(string path) => path == _path;

    /// <summary>Takes over what the file holds now; nobody is writing it any more.</summary>
    /// <returns>Whether that is in force.</returns>
    public bool ReadNow(ITextFiles files, IWarningSink warnings)
    {
        _file.Refresh(files, warnings, isComplete: true);
        _current = Choose();
        return _file.IsInForce(files);
    }

    private ILookupTable Choose()
    {
        if (_file.Content is { } content)
            return content;
        var reason = _file.IsToRead && _file.Problem is null ? "it is being read" : _file.Problem ?? "no content";
        return _current is UnavailableTable standIn && standIn.Reason == reason ? standIn : new UnavailableTable(Name, reason);
    }
}
