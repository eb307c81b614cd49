namespace Postern.Dns;

/// <summary>
/// The questions that are out, first the one whose time is over first. All wait equally long, so who comes last is due last
/// (after a change of resolv.conf: nearly). The questions are their own links.
/// </summary>
internal sealed class QueriesByDeadline
{
    private AddressQuery? _last;

    /// <summary>Null: there is none.</summary>
    public AddressQuery? First { get; private set; }

    public void Add(AddressQuery query)
    {
        (query.Earlier, query.Later) = (_last, null);
        if (_last is null)
            First = query;
        else
            _last.Later = query;
        _last = query;
    }

    public void Remove(AddressQuery query)
    {
        if (query.Earlier is null)
            First = query.Later;
        else
            query.Earlier.Later = query.Later;
        if (query.Later is null)
            _last = query.Earlier;
        else
            query.Later.Earlier = query.Earlier;
        (query.Earlier, query.Later) = (null, null);
    }
}
