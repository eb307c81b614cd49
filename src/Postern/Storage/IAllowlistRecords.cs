using Postern.Core;
using Postern.Core.Allowlist;

namespace Postern.Storage;

/// <summary>The records of a temporary allowlist as an administrator handles them. Each method answers why it did not work; null: it did.</summary>
internal interface IAllowlistRecords : IDisposable
{
    /// <summary>All of them, in no order.</summary>
    string? ReadAll(Action<IpAddress, TestExpiry> take);

    /// <param name="record">Null: the client is not known.</param>
    string? Find(IpAddress client, out TestExpiry? record);

    /// <param name="wasKnown">Whether there was one to forget.</param>
    string? Forget(IpAddress client, out bool wasKnown);

    /// <summary>Adds records; where there is one already, each test keeps the later time.</summary>
    string? Add(IReadOnlyList<KeyValuePair<IpAddress, TestExpiry>> records);
}
