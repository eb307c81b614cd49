namespace Postern.Loop;

/// <summary>
/// The descriptors for clients and for what serves them. The last tenth is for clients that access list or allowlist let in, so
/// that no number of others, and nothing that they do or leave undone, keeps these out.
/// </summary>
/// <param name="limit">How many there are.</param>
/// <param name="inUse">How many are in use.</param>
internal sealed class DescriptorBudget(int limit, Func<int> inUse)
{
    /// <summary>The last tenth is in use already.</summary>
    public bool IsShort => inUse() > limit - limit / 10;

    /// <summary>Whether there is one left.</summary>
    /// <param name="isLetIn">For a client that access list or allowlist has let in, or would.</param>
    public bool HasRoom(bool isLetIn) => inUse() < (isLetIn ? limit : limit - limit / 10);

    /// <summary>What the administrator should know when there is none left.</summary>
    public string Describe(bool isLetIn) => isLetIn
        ? $"{inUse()} clients are as many as the limit of open files allows -- turning away new ones with 421"
        : $"{inUse()} clients, and the limit of open files is near: what is left is for those that access list and allowlist let in -- turning away others with 421";
}
