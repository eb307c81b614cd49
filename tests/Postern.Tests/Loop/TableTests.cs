using CsCheck;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Screening;
using Postern.Handoff;
using Postern.Loop;

namespace Postern.Tests.Loop;

/// <summary>The tables of clients and of addresses.</summary>
public sealed class TableTests
{
    private static readonly RunningService Service =
        new() { Name = "smtp", Settings = new Settings(), Allowlist = null, Handoff = new DescriptorPassing("/nowhere", "nowhere") };

    [Fact]
    public void A_token_leads_to_its_client_as_long_as_that_is_there() => Gen.Int[0, 9].Array[0, 3000].Sample(steps =>
    {
        var table = new ClientTable();
        var present = new List<(Client Client, ulong Token)>();
        var stale = new List<ulong>();
        foreach (var step in steps)
        {
            if (step < 6 || present.Count == 0)
            {
                var client = NewClient();
                table.Add(client);
                present.Add((client, table.Token(client)));
            }
            else if (step < 9)
            {
                var leaving = present[step * 7 % present.Count];
                present.Remove(leaving);
                stale.Add(leaving.Token);
                table.Remove(leaving.Client);
            }
            else
            {
                var (client, token) = present[0];
                stale.Add(token);
                present[0] = (client, table.RenewToken(client));
            }
        }

        Assert.Equal(present.Count, table.Count);
        Assert.All(present, one => Assert.Same(one.Client, table.Find(one.Token)));
        Assert.All(stale, token => Assert.Null(table.Find(token)));
        Assert.Equal(present.Select(one => one.Client).ToHashSet(), table.ToArray().ToHashSet());
    });

    [Fact]
    public void Sessions_of_an_address_share_its_state_and_the_last_takes_it_along() => Gen.Int[0, 400].Array[0, 2000].Sample(visits =>
    {
        var table = new AddressTable();
        var expected = new Dictionary<int, (ClientAddressState State, int Sessions)>();
        foreach (var visit in visits)
        {
            var address = visit / 2;
            if (visit % 2 == 0)
            {
                var state = Enter(table, address);
                if (expected.TryGetValue(address, out var known))
                    Assert.Same(known.State, state);
                expected[address] = (state, expected.GetValueOrDefault(address).Sessions + 1);
                Assert.Equal(expected[address].Sessions, state.Concurrency);
            }
            else if (expected.TryGetValue(address, out var known))
            {
                table.Leave(known.State, network: null);
                if (known.Sessions == 1)
                    expected.Remove(address);
                else
                    expected[address] = (known.State, known.Sessions - 1);
            }
        }

        Assert.Equal(expected.Count, table.Count);
    });

    [Fact]
    public void Addresses_of_a_network_count_together_and_keep_their_own_state()
    {
        var (table, settings) = (new AddressTable(), new Settings());
        var states = new Dictionary<string, ClientAddressState>();

        Assert.Equal((1, 1), Enter("2001:db8:0:1::1"));
        Assert.Equal((1, 2), Enter("2001:db8:0:1::2"));
        Assert.Equal((2, 3), Enter("2001:db8:0:1::2"));
        Assert.Equal((1, 1), Enter("2001:db8:0:2::1"));
        Leave("2001:db8:0:1::2");
        Assert.Equal((1, 3), Enter("2001:db8:0:1::")); // has the network's own address

        foreach (var address in (string[])["2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1::", "2001:db8:0:2::1"])
            Leave(address);
        Assert.Equal((0, 0), (table.Count, table.NetworkCount));

        (int, int) Enter(string address)
        {
            var state = states[address] = table.Enter(Ip.Of(address), settings.NetworkOf(Ip.Of(address)));
            return (state.Concurrency, state.SessionsOfNetwork);
        }

        void Leave(string address) => table.Leave(states[address], settings.NetworkOf(Ip.Of(address)));
    }

    [Fact]
    public void An_address_whose_network_is_itself_pays_for_none()
    {
        var table = new AddressTable();
        var settings = new Settings { ClientIPv6PrefixLength = 128 };

        foreach (var address in (IpAddress[])[Ip.Of("192.0.2.1"), Ip.Of("2001:db8::1"), Ip.Of("2001:db8::2")])
            Assert.Equal(1, table.Enter(address, settings.NetworkOf(address)).SessionsOfNetwork);

        Assert.Equal((3, 0), (table.Count, table.NetworkCount));
    }

    [Fact]
    public void Ten_thousand_addresses_are_found_again()
    {
        var table = new AddressTable();
        var states = Enumerable.Range(0, 10_000).Select(i => Enter(table, i)).ToArray();

        for (var i = 0; i < states.Length; i++)
            Assert.Same(states[i], Enter(table, i));
        foreach (var state in states)
        {
            table.Leave(state, network: null);
            table.Leave(state, network: null);
        }

        Assert.Equal(0, table.Count);
    }

    private static ClientAddressState Enter(AddressTable table, int address) =>
        table.Enter(IpAddress.FromIPv4((uint)address), network: null);

    private static Client NewClient() =>
        new(-1, Service, new Session(Service.Settings, Service.Load, new ClientAddressState(default), 0, new Endpoint(default, 25)));
}
